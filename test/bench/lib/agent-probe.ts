/** Calls to an agent one after another, each looked at closely: when it is answered, heard, and silent again. */
import type { MediaStreamAgent, Stream } from '../../support/media-stream-agent.ts';
import { RtpPeer } from '../../support/rtp-peer.ts';
import { audioSdp, SipPhone } from '../../support/sip-phone.ts';
import { until } from '../../support/until.ts';
import { sleep } from './command.ts';

/** One call's times, ms. */
export interface ProbeTimes {
  /** INVITE to 200. */
  readonly answer: number;
  /** 200 to the first RTP packet of the greeting; what was earlier counts as 0. */
  readonly greeting: number;
  /** `clear` given to the WebSocket to the last RTP packet that is not silence. */
  readonly silence: number;
}

const silenceByte = 0xff;
/** As long as a quick model thinks before it says its first word, ms. */
const thinkingMs = 300;
/** Ten seconds of speech, given at once. */
const speech = Buffer.alloc(80_000, 0x2a);

export class AgentProbe {
  readonly agent: MediaStreamAgent;
  readonly #phone: SipPhone;
  #calls = 0;

  private constructor(agent: MediaStreamAgent, phone: SipPhone) {
    this.agent = agent;
    this.#phone = phone;
  }

  /** `agent` is of a gateway whose SIP port is `gatewayPort`, for the account given. */
  static async open(
    agent: MediaStreamAgent,
    account: { user: string; password: string; domain: string; gatewayPort: number },
  ): Promise<AgentProbe> {
    const phone = await SipPhone.open(account);
    await phone.register();
    return new AgentProbe(agent, phone);
  }

  async call(to: string): Promise<ProbeTimes> {
    const rtp = await RtpPeer.open();
    const speaking = this.#greet();
    const invited = performance.now();
    const dialog = await this.#phone.call(to, audioSdp(rtp.port, ['0 PCMU/8000']));
    const answered = performance.now();
    const spoken = (): number[] =>
      rtp.heard.filter(({ payload }) => payload.some((byte) => byte !== silenceByte)).map(({ at }) => at);
    try {
      const stream = await speaking;
      await until(() => spoken().length > 50, { within: 10_000, what: 'the greeting' });
      const cleared = performance.now();
      stream.clear();
      await sleep(300);
      return {
        answer: answered - invited,
        greeting: Math.max(0, (spoken()[0] ?? Infinity) - answered),
        silence: Math.max(0, (spoken().at(-1) ?? 0) - cleared),
      };
    } finally {
      await dialog.bye();
      await rtp.close();
    }
  }

  async close(): Promise<void> {
    await this.#phone.close();
  }

  async #greet(): Promise<Stream> {
    const stream = await this.agent.stream(this.#calls++);
    await sleep(thinkingMs);
    stream.say(speech);
    return stream;
  }
}
