/** Figures of rooms, as Prometheus text. */
export interface RoomFigures {
  /** Of the media plane and of signaling: flat name → value. */
  readonly media: Readonly<Record<string, number>>;
  readonly signaling: Readonly<Record<string, number>>;
  /** Connections refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** What clients tell of their media, added up since the start. */
  readonly clients: Readonly<Record<string, number>>;
}

/** All others are gauges. */
const GROWING = new Set([
  'keyframesAsked',
  'keyframesWanted',
  'sessionsBegun',
  'sessionsResumed',
  'requests',
  'reports',
  'packetsLost',
  'freezes',
  'relayed',
]);

const snake = (name: string): string => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

export function roomLines({ media, signaling, refused, clients }: RoomFigures): readonly string[] {
  const lines: string[] = [];
  for (const [part, figures] of Object.entries({ media, signaling, client: clients })) {
    for (const [name, value] of Object.entries(figures)) {
      const isGrowing = GROWING.has(name);
      const full = `viaduct_rooms_${part}_${snake(name)}${isGrowing ? '_total' : ''}`;
      lines.push(`# TYPE ${full} ${isGrowing ? 'counter' : 'gauge'}`, `${full} ${value}`);
    }
  }
  if (Object.keys(refused).length > 0) lines.push('# TYPE viaduct_rooms_refused_total counter');
  for (const [why, value] of Object.entries(refused)) lines.push(`viaduct_rooms_refused_total{why="${why}"} ${value}`);
  return lines;
}
