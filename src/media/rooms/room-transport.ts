/** A participant's WebRtcTransport, on the port that calls of browsers use, too. */
import type { types } from 'mediasoup';
import type { OpenRoomTransport, ParticipantId, RoomId } from '../../rooms/index.ts';
import type { TransportOffer } from '../../signaling/protocol/index.ts';
import type { PlacedRouter } from '../worker-pool.ts';

/** Where TWCC begins to guess: enough for one picture of 360 lines. */
const firstBitsPerSec = 1_000_000;
const maxMessageBytes = 65_536;

export type RoomTransportState = 'connected' | 'disconnected' | 'failed';

export interface RoomTransport {
  readonly roomId: RoomId;
  readonly participantId: ParticipantId;
  readonly placed: PlacedRouter;
  readonly webRtc: types.WebRtcTransport;
  onState(listener: (state: RoomTransportState) => void): void;
}

export async function openRoomTransport(
  placed: PlacedRouter,
  { roomId, participantId }: OpenRoomTransport,
  iceConsentSec: number,
): Promise<RoomTransport> {
  const webRtc = await placed.router.createWebRtcTransport({
    webRtcServer: placed.server,
    enableUdp: true,
    enableTcp: true,
    preferUdp: true,
    iceConsentTimeout: iceConsentSec,
    initialAvailableOutgoingBitrate: firstBitsPerSec,
    enableSctp: true,
    maxSendMessageSize: maxMessageBytes,
    maxReceiveMessageSize: maxMessageBytes,
  });
  return {
    roomId,
    participantId,
    placed,
    webRtc,
    onState: (listener) => {
      webRtc.on('icestatechange', (state) => {
        if (state === 'disconnected') listener('disconnected');
        else if (state !== 'new' && state !== 'closed' && webRtc.dtlsState === 'connected') listener('connected');
      });
      webRtc.on('dtlsstatechange', (state) => {
        if (state === 'connected') listener('connected');
        else if (state === 'failed') listener('failed');
      });
    },
  };
}

export function transportOffer(transportId: string, webRtc: types.WebRtcTransport): TransportOffer {
  const { iceParameters, iceCandidates, dtlsParameters, sctpParameters } = webRtc;
  return {
    transportId,
    iceParameters,
    iceCandidates,
    // One fingerprint is enough, and SHA-256 is the one every browser has (RFC 8122 §5).
    dtlsParameters: {
      ...dtlsParameters,
      fingerprints: dtlsParameters.fingerprints.filter(({ algorithm }) => algorithm === 'sha-256'),
    },
    ...(sctpParameters === undefined ? {} : { sctpParameters }),
  };
}
