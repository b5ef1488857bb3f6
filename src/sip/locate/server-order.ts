/** The order in which servers are tried: RFC 2782, anew for each call, so that weights share the load. */
import type { Random } from '../../kernel/index.ts';

interface Weighted {
  readonly priority: number;
  readonly weight: number;
}

/** By priority, the lowest first; among equals at random, each as likely to be next as its weight says. */
export function orderByWeight<Item extends Weighted>(items: readonly Item[], random: Random): readonly Item[] {
  const priorities = [...new Set(items.map(({ priority }) => priority))].toSorted((a, b) => a - b);
  return priorities.flatMap((priority) =>
    draw(
      items.filter((item) => item.priority === priority),
      random,
    ),
  );
}

function draw<Item extends Weighted>(items: readonly Item[], random: Random): readonly Item[] {
  // Weight 0 stands first, so that it is drawn at a mark of 0 only: seldom beside others, evenly among its like.
  const left = shuffle(items, random).toSorted((a, b) => Math.sign(a.weight) - Math.sign(b.weight));
  const drawn: Item[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const least = left.some(({ weight }) => weight === 0) ? 0 : 1;
    const mark = least + (random.uint32() % (total + 1 - least));
    let sum = 0;
    const index = left.findIndex(({ weight }) => {
      sum += weight;
      return sum >= mark;
    });
    drawn.push(...left.splice(Math.max(index, 0), 1));
  }
  return drawn;
}

function shuffle<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const keyed = items.map((item) => ({ item, key: random.uint32() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
