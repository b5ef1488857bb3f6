/** In the edge the video of a port is a port of its own. */
import type { PortId } from '../kernel/index.ts';

const SUFFIX = '~video';

export function videoPortOf(portId: PortId): PortId {
  return `${portId}${SUFFIX}` as PortId;
}

/** Whose video it is; undefined when it is none. */
export function ownerOfVideo(portId: PortId): PortId | undefined {
  return portId.endsWith(SUFFIX) ? (portId.slice(0, -SUFFIX.length) as PortId) : undefined;
}
