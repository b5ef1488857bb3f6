import type { types } from 'mediasoup';

export interface WebRtcListen {
  /** Local addresses; `announcedAddress` is what browsers are told where a NAT stands before it. */
  readonly addresses: readonly { readonly address: string; readonly announcedAddress?: string }[];
  /** The first worker's UDP and TCP port; the others take the following ones. */
  readonly port: number;
}

/** One UDP and one TCP socket for each address, all browsers of a worker share them. */
export function webRtcListenInfos(listen: WebRtcListen, port: number): types.TransportListenInfo[] {
  return listen.addresses.flatMap(({ address, announcedAddress }) =>
    (['udp', 'tcp'] as const).map((protocol) => ({
      protocol,
      ip: address,
      port,
      ...(announcedAddress === undefined ? {} : { announcedAddress }),
    })),
  );
}
