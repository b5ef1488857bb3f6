/** The built-in agents at length: every key of the reception, its patience, and the parrot. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711 } from '../../src/audio/index.ts';
import { Gateway } from '../support/gateway.ts';
import { holds, prompt, words } from '../support/prompt.ts';
import { SipPhone } from '../support/sip-phone.ts';
import { syntheticVoice } from '../support/synthetic-voice.ts';
import { talkTo } from '../support/talk.ts';
import { until } from '../support/until.ts';

const SILENCE = 0xff;

let gateway: Gateway;
let phone: SipPhone;

beforeAll(async () => {
  gateway = await Gateway.start({ base: 27_700 });
  phone = await SipPhone.open({
    user: 'carol',
    password: gateway.credentials('carol').password,
    domain: gateway.domain,
    gatewayPort: gateway.sipPort,
  });
  await phone.register();
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
});

describe('the reception', () => {
  test('greets three times, says goodbye, and hangs up, when it hears nothing', async () => {
    const talk = await talkTo('reception', phone);
    await talk.dialog.awaitBye(90_000);
    const heard = talk.heard();
    const greeting = words(prompt('greeting'));
    let count = 0;
    for (let at = heard.indexOf(greeting); at >= 0; at = heard.indexOf(greeting, at + 1)) count++;
    expect(count).toBe(3);
    expect(holds(heard, prompt('goodbye'))).toBe(true);
    await talk.rtp.close();
  });

  test('says what a key means, puts through by key, and tells when nobody is there', async () => {
    const talk = await talkTo('reception', phone);
    await until(() => talk.rtp.heard.length > 20, { within: 5_000, what: 'the greeting' });
    await talk.press('7');
    await until(() => holds(talk.heard(), prompt('unknown-key')), { within: 5_000, what: 'that 7 is nothing' });
    await talk.press('2');
    await until(() => holds(talk.heard(), prompt('transferring')), { within: 5_000, what: 'one moment' });
    await until(() => holds(talk.heard(), prompt('unavailable')), { within: 8_000, what: 'that bob is away' });
    await talk.press('9');
    await until(async () => (await gateway.calls()).some(({ to }) => to.includes('echo')), {
      within: 8_000,
      what: 'echo',
    });
    const from = talk.rtp.heard.length;
    talk.speak(syntheticVoice(8000, 1));
    await until(() => talk.rtp.heard.slice(from).some(({ payload }) => payload[0] !== SILENCE), {
      within: 5_000,
      what: 'the echo',
    });
    await talk.end();
  });
});

describe('the parrot', () => {
  test('says back what it hears, byte for byte', async () => {
    const talk = await talkTo('parrot', phone);
    await until(() => holds(talk.heard(), prompt('parrot')), { within: 8_000, what: 'its greeting' });
    const said = prompt('transferring');
    // A stall of this machine leaves a gap in what is said, which the parrot repeats: then it is said once more.
    for (let tries = 0; tries < 3 && !holds(talk.heard(), said); tries++) {
      talk.speak(decodeG711('PCMU', said));
      await sleep((said.length / 160) * 20);
      talk.rtp.pause();
      await until(() => holds(talk.heard(), said), { within: 4_000, what: 'its own words' }).catch(() => {});
    }
    expect(holds(talk.heard(), said)).toBe(true);
    await talk.end();
  });
});
