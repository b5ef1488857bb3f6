import { EventEmitter, once } from 'node:events';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type LegId, silentLogger } from '../../src/kernel/index.ts';
import type { CallMediaWork } from '../../src/telephony/call-media.ts';
import { Negotiation } from '../../src/telephony/negotiation.ts';
import type { InDialogOffer, SipDialog } from '../../src/telephony/sip-ports.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const leg = 'a' as LegId;

function offerOf(statuses: number[]): InDialogOffer {
  return {
    method: 'UPDATE',
    body: 'v=0',
    cseq: 7,
    header: () => undefined,
    reply: (status) => statuses.push(status),
  };
}

it('an offer that comes while the answer to ours is being applied is taken up after that; before the answer it gets 491', async () => {
  const [wire, refused, taken, steps] = [new EventEmitter(), [] as number[], [] as number[], [] as string[]];
  const applied = once(wire, 'applied');
  const dialog: Pick<SipDialog, 'request'> = {
    request: async () => {
      await once(wire, 'answer');
      return { status: 200, body: '', header: () => undefined };
    },
  };
  const work: Pick<CallMediaWork, 'renegotiate'> = {
    renegotiate: (_, offer) => {
      offer.reply(200);
      return Promise.resolve();
    },
  };
  const negotiation = new Negotiation({
    media: () => work as CallMediaWork,
    dialogOf: () => dialog as SipDialog,
    isOwner: () => true,
    clock: new VirtualClock(),
    random: seededRandom(7),
    logger: silentLogger,
    domain: 'unit.test',
  });
  const aligning = negotiation.align({
    legId: leg,
    offer: () => 'v=0',
    isOptional: false,
    accepted: async () => {
      steps.push('applying');
      await applied;
      steps.push('applied');
    },
  });
  await eventLoopTurn();
  await negotiation.onOffer(leg, offerOf(refused));
  expect(refused).toEqual([491]);
  wire.emit('answer');
  await expect.poll(() => steps).toEqual(['applying']);
  const taking = negotiation.onOffer(leg, offerOf(taken)).then(() => steps.push('taken'));
  await eventLoopTurn();
  expect(taken).toEqual([]);
  wire.emit('applied');
  await Promise.all([aligning, taking]);
  expect([taken, steps]).toEqual([[200], ['applying', 'applied', 'taken']]);
});
