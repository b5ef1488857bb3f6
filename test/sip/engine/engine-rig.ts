/** An engine with its doubles. */
import { silentLogger } from '../../../src/kernel/index.ts';
import { type EngineOptions, type ListenerAddress, SipEngine } from '../../../src/sip/engine/index.ts';
import { header, type SipMessage, tagOf } from '../../../src/sip/message/index.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { AppDouble, AppsDouble, type ToldResponse, type ToldSip } from '../../support/sip-app-double.ts';
import { type PeerDouble, SipNetDouble } from '../../support/sip-net-double.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';

export class Bench {
  readonly clock = new VirtualClock();
  readonly net: SipNetDouble;
  readonly apps = new AppsDouble();
  readonly engine: SipEngine;
  #appCount = 0;

  constructor(options: Partial<EngineOptions> = {}, listeners?: readonly ListenerAddress[]) {
    this.net = new SipNetDouble(listeners);
    const { net, apps, clock } = this;
    this.engine = new SipEngine({ net, apps, clock, random: seededRandom(), logger: silentLogger, options });
    net.engine = this.engine;
  }

  app(...verbs: string[]): AppDouble {
    return new AppDouble(this.engine, this.apps, ++this.#appCount).route(...verbs);
  }

  /** Lets promises that are due come true. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
}

/** A call that came in and was answered, ACK included. */
export function incomingCall(
  peer: PeerDouble,
  app: AppDouble,
): { invite: ToldSip; echo: ToldResponse; localTag: string } {
  peer.request('INVITE', { body: SDP });
  peer.nextResponse(100);
  const invite = app.nextSip();
  const echo = app.answer(invite, 200, [], SDP);
  const ok = peer.nextResponse(200);
  const localTag = tagOf(ok, 'To') ?? '';
  peer.request('ACK', { to: `<sip:service@example.com>;tag=${localTag}`, contact: '' });
  app.nextSip();
  return { invite, echo, localTag };
}

/** A call the application made, answered by the peer and acknowledged. */
export function outgoingCall(
  peer: PeerDouble,
  app: AppDouble,
): { echo: ToldResponse; transactionId: string; dialogId: string } {
  app.sip(`INVITE sip:bob@${peer.hostPort} SIP/2.0\n\n${SDP}`);
  const echo = app.nextResponse();
  const invite = peer.nextRequest('INVITE');
  peer.respond(invite, 200, { body: SDP });
  const ok = app.nextSip();
  app.sip(`ACK sip:bob@${peer.hostPort} SIP/2.0\n\n`, { dialogId: ok.dialogId });
  app.nextResponse();
  peer.nextRequest('ACK');
  return { echo, transactionId: ok.transactionId, dialogId: ok.dialogId };
}

export function headerOf(message: SipMessage | undefined, name: string): string {
  return (message === undefined ? undefined : header(message, name)) ?? '';
}
