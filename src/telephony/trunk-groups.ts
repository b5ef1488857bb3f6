/** Names of the dialplan to trunks: one trunk, or a group of them in the order to try. Pure but for chance. */
import type { Random } from '../kernel/index.ts';
import { orderByWeight } from '../sip/locate/index.ts';

export interface TrunkGroupMember {
  readonly trunk: string;
  /** The lowest is tried first: the cheapest carrier, for example. */
  readonly priority: number;
  /** Among equal priorities: its share of the calls. */
  readonly weight: number;
}

export interface TrunkGroup {
  readonly name: string;
  readonly members: readonly TrunkGroupMember[];
}

/** The trunks behind a name, best first, drawn anew for each call; none for a name that nobody has. */
export function trunksBehind<Trunk extends { readonly name: string }>(
  name: string,
  { trunks, groups }: { readonly trunks: readonly Trunk[]; readonly groups: readonly TrunkGroup[] },
  random: Random,
): readonly Trunk[] {
  const group = groups.find((each) => each.name === name);
  const names = group === undefined ? [name] : orderByWeight(group.members, random).map(({ trunk }) => trunk);
  return names.flatMap((each) => trunks.find((trunk) => trunk.name === each) ?? []);
}
