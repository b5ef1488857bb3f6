/** What applications are told: requests and responses from the network, synthesized responses, the unsolicited BYE. */
import { appendHeader, formatMessage, type SipMessage } from '../message/index.ts';
import { type EngineCore, protoName } from './core.ts';
import { withoutInternalHeaders } from './internal-headers.ts';
import type { AppId, Flow, ListenerAddress, Received, SipTransport } from './ports.ts';

interface Delivery {
  readonly transactionId: string;
  readonly dialogId: string;
  readonly message: SipMessage;
  readonly received: Received;
}

/** The certificate names of a verified TLS peer, for applications: the protocol has no field for them. */
const PEER_NAMES = 'X-Viaduct-Peer-Names';
const NOBODY = { address: '', port: 0 };

export class AppDelivery {
  readonly #core: EngineCore;

  constructor(core: EngineCore) {
    this.#core = core;
  }

  /** A request outside any dialog, with the local address it came in on. */
  newRequest(app: AppId, delivery: Delivery): void {
    const { localAddress, localPort, peerNames } = delivery.received.flow;
    this.#network(app, delivery, {
      ...(peerNames === undefined ? {} : { peerNames }),
      receivedOn: { address: localAddress, port: localPort },
    });
  }

  requestInDialog(app: AppId, delivery: Delivery): void {
    this.#network(app, delivery, {});
  }

  /** An ACK is told without its transport, as the real server does. */
  ack(app: AppId, delivery: Delivery): void {
    this.#network(app, delivery, { hidesTransport: true });
  }

  response(app: AppId, delivery: Delivery, afterEcho: boolean): void {
    this.#network(app, delivery, { afterEcho });
  }

  /** A response, or a CANCEL, that nobody sent. */
  synthesized(
    app: AppId,
    told: {
      readonly transactionId: string;
      readonly dialogId: string;
      readonly transport: SipTransport;
      readonly message: Buffer;
    },
    afterEcho: boolean,
  ): void {
    const { transactionId, dialogId, message } = told;
    const common = {
      kind: 'sip',
      source: 'network',
      bytes: 0,
      proto: protoName(this.#core, told.transport),
      ...NOBODY,
    } as const;
    this.#core.apps.send(app, { ...common, transactionId, dialogId, receivedOn: undefined, message }, afterEcho);
  }

  /** The one way to say that the engine ended a dialog by itself. */
  unsolicitedBye(app: AppId, dialogId: string, bye: Buffer, listener: ListenerAddress): void {
    this.#core.apps.send(
      app,
      {
        kind: 'sip',
        source: 'application',
        bytes: bye.length,
        proto: protoName(this.#core, listener.transport),
        address: listener.address,
        port: listener.port,
        transactionId: 'unsolicited',
        dialogId,
        receivedOn: undefined,
        message: bye,
      },
      false,
    );
  }

  #network(app: AppId, delivery: Delivery, how: Manner): void {
    const { flow, data } = delivery.received;
    this.#core.apps.send(
      app,
      {
        kind: 'sip',
        source: 'network',
        bytes: data.length,
        proto: how.hidesTransport === true ? '' : protoName(this.#core, flow.transport),
        ...peerOf(flow),
        transactionId: delivery.transactionId,
        dialogId: delivery.dialogId,
        receivedOn: how.receivedOn,
        message: formatMessage(withPeerNames(withoutInternalHeaders(delivery.message), how.peerNames)),
      },
      how.afterEcho === true,
    );
  }
}

function withPeerNames(message: SipMessage, names: readonly string[] | undefined): SipMessage {
  return names === undefined ? message : appendHeader(message, PEER_NAMES, names.join(', '));
}

interface Manner {
  readonly receivedOn?: { readonly address: string; readonly port: number };
  readonly hidesTransport?: boolean;
  /** Of a verified certificate. */
  readonly peerNames?: readonly string[];
  readonly afterEcho?: boolean;
}

function peerOf(flow: Flow): { readonly address: string; readonly port: number } {
  return { address: flow.remoteAddress, port: flow.remotePort };
}
