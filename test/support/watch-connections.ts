/** What happens to a page's peer connections: nothing may, when it is the other leg that changes (decision D3). */
import type { Page } from 'playwright-core';

/** As long as the page lives. */
export interface Watched {
  readonly negotiations: number;
  readonly descriptions: number;
  /** Of the gateway's descriptions. */
  readonly ufrags: readonly string[];
  readonly iceStates: readonly string[];
  readonly states: readonly string[];
}

/** Prepares a page before its scripts. */
export const watchConnections = async (page: Page): Promise<void> => {
  await page.addInitScript(`{
    window.watched = { negotiations: 0, descriptions: 0, ufrags: [], iceStates: [], states: [] };
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...init) {
        super(...init);
        this.addEventListener('negotiationneeded', () => window.watched.negotiations++);
        this.addEventListener('iceconnectionstatechange', () => window.watched.iceStates.push(this.iceConnectionState));
        this.addEventListener('connectionstatechange', () => window.watched.states.push(this.connectionState));
      }
      setLocalDescription(...args) {
        window.watched.descriptions++;
        return super.setLocalDescription(...args);
      }
      setRemoteDescription(...args) {
        window.watched.descriptions++;
        window.watched.ufrags.push(/a=ice-ufrag:(\\S+)/.exec(args[0].sdp)?.[1]);
        return super.setRemoteDescription(...args);
      }
    };
  }`);
};

export const watched = (page: Page): Promise<Watched> =>
  page.evaluate(() => structuredClone((globalThis as unknown as { watched: Watched }).watched));
