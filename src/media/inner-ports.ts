/** Both ends included. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

const lowest = 10_000;
const highest = 65_535;
/** One for each browser Leg with room to spare. */
const enough = 5000;

/**
 * Ports for the PlainTransports between mediasoup and the edge, outside of the range that SIP peers are told: where
 * the edge listens on 0.0.0.0, a loopback socket on the same port would keep it from binding.
 */
export function innerPorts(rtp: PortRange): PortRange {
  if (rtp.min - lowest >= enough) return { min: Math.max(lowest, rtp.min - 2 * enough), max: rtp.min - 1 };
  return { min: Math.min(rtp.max + 1, highest - 1), max: highest };
}
