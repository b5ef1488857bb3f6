import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NumberPlan, readNumber, spellingsOf, writeNumber } from '../../src/telephony/number-plan.ts';

type Format = 'e164' | 'digits' | 'international' | 'national';
const plan = (format: Format, rest: Partial<NumberPlan>): NumberPlan => ({
  ...rest,
  called: { ...rest.called, format },
});
const BERLIN = { country: '49', area: '30' };
const ROME = { country: '39' };
const NEW_YORK = { country: '1', area: '212' };
const LONDON = { country: '44', area: '20' };
const PARIS = { country: '33' };

describe('readNumber', () => {
  it.each<[string, Format, Partial<NumberPlan>, string, string]>([
    ['DE with +', 'e164', BERLIN, '+4930123456', '+4930123456'],
    ['DE without +', 'digits', BERLIN, '4930123456', '+4930123456'],
    ['a + that was forgotten', 'e164', BERLIN, '4930123456', '+4930123456'],
    ['DE 00', 'international', BERLIN, '004930123456', '+4930123456'],
    ['DE national', 'national', BERLIN, '089123456', '+4989123456'],
    ['DE within the area', 'national', BERLIN, '1234567', '+49301234567'],
    ['DE abroad', 'national', BERLIN, '00442079460000', '+442079460000'],
    ['US eleven digits', 'national', NEW_YORK, '12025550123', '+12025550123'],
    ['US ten digits', 'national', NEW_YORK, '2025550123', '+12025550123'],
    ['US seven digits', 'national', NEW_YORK, '5550123', '+12125550123'],
    ['US abroad', 'national', NEW_YORK, '011442079460000', '+442079460000'],
    ['US without +', 'digits', NEW_YORK, '12025550123', '+12025550123'],
    ['GB national', 'national', LONDON, '02079460000', '+442079460000'],
    ['GB within the area', 'national', LONDON, '79460000', '+442079460000'],
    ['IT: the 0 belongs to the number', 'national', ROME, '0612345678', '+390612345678'],
    ['IT without +', 'digits', ROME, '390612345678', '+390612345678'],
    ['IT mobile', 'national', ROME, '3391234567', '+393391234567'],
    ['FR national', 'national', PARIS, '0123456789', '+33123456789'],
    ['separators', 'e164', BERLIN, '+49-30-123.456', '+4930123456'],
    ['an escaped +', 'e164', BERLIN, '%2B4930123456', '+4930123456'],
    ['number portability', 'e164', BERLIN, '+4930123456;npdi;rn=+4999', '+4930123456'],
    ['an extension', 'digits', BERLIN, '1001', '1001'],
    ['an emergency number', 'national', BERLIN, '112', '112'],
    ['a name', 'e164', BERLIN, 'reception', 'reception'],
    ['more than fifteen digits', 'digits', BERLIN, '4930123456789012', '4930123456789012'],
    ['without a country nothing national', 'national', {}, '030123456', '030123456'],
  ])('%s', (...[, format, rest, sent, meant]) => {
    expect(readNumber(sent, plan(format, rest), 'called')).toBe(meant);
  });

  it('leaves all as it is without a plan or a format', () => {
    for (const text of ['004930123456', '+49-30', 'a%20b', 'x;y']) {
      expect(readNumber(text, undefined, 'called')).toBe(text);
      expect(readNumber(text, BERLIN, 'called')).toBe(text);
      expect(writeNumber(text, BERLIN, 'called')).toBe(text);
    }
  });

  it('takes a tech prefix off and puts it on, escaped', () => {
    const tech = plan('digits', { ...BERLIN, called: { prefix: '99#' } });
    expect(readNumber('99%234930123456', tech, 'called')).toBe('+4930123456');
    expect(writeNumber('+4930123456', tech, 'called')).toBe('99%234930123456');
  });

  it('applies the first rule that fits', () => {
    const ruled = plan('e164', {
      called: {
        receive: [
          { strip: '8', prepend: '+' },
          { strip: '', prepend: '+49' },
        ],
        send: [{ strip: '+49', prepend: '0' }],
      },
    });
    expect(readNumber('8442079460000', ruled, 'called')).toBe('+442079460000');
    expect(readNumber('30123456', ruled, 'called')).toBe('+4930123456');
    expect(writeNumber('+4930123456', ruled, 'called')).toBe('030123456');
  });
});

describe('writeNumber', () => {
  it.each<[string, Format, Partial<NumberPlan>, string, string]>([
    ['dialed nationally, sent with +', 'e164', BERLIN, '089123456', '+4989123456'],
    ['dialed abroad, sent without +', 'digits', BERLIN, '00442079460000', '442079460000'],
    ['DE sent nationally', 'national', BERLIN, '+4989123456', '089123456'],
    ['another country sent nationally', 'national', BERLIN, '+442079460000', '00442079460000'],
    ['US sent nationally', 'national', NEW_YORK, '+12025550123', '12025550123'],
    ['US sent as ten digits', 'national', { ...NEW_YORK, nationalPrefix: '' }, '+12025550123', '2025550123'],
    ['IT sent nationally', 'national', ROME, '+390612345678', '0612345678'],
    ['GB sent with 00', 'international', LONDON, '+442079460000', '00442079460000'],
    ['an extension', 'e164', BERLIN, '1001', '1001'],
    ['a name', 'e164', BERLIN, 'alice', 'alice'],
  ])('%s', (...[, format, rest, dialed, sent]) => {
    expect(writeNumber(dialed, plan(format, rest), 'called')).toBe(sent);
  });
});

const formats = fc.constantFrom<Format>('e164', 'digits', 'international', 'national');
const homes = fc.constantFrom<Partial<NumberPlan>>(
  BERLIN,
  ROME,
  NEW_YORK,
  LONDON,
  PARIS,
  { country: '7' },
  { country: '36' },
);
const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((each) => each.join(''));
const somewhere = fc
  .tuple(fc.constantFrom('49', '39', '1', '44', '33', '7', '36', '81', '881', '590'), digits(6, 11))
  .map(([country, rest]) => `+${country}${rest}`);

describe('numbers, whatever they are', () => {
  it('come back as they were written: read(write(n)) = n', () => {
    fc.assert(
      fc.property(somewhere, formats, homes, (number, format, home) => {
        const at = plan(format, home);
        expect(readNumber(writeNumber(number, at, 'called'), at, 'called')).toBe(number);
      }),
      { numRuns: 2000 },
    );
  });

  it('are written as the trunk has written them: write(read(x)) = x', () => {
    fc.assert(
      fc.property(somewhere, formats, homes, (number, format, home) => {
        const at = plan(format, home);
        const sent = writeNumber(number, at, 'called');
        expect(writeNumber(readNumber(sent, at, 'called'), at, 'called')).toBe(sent);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throw and never bring in what a URI must not hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), formats, homes, (text, format, home) => {
        const at = plan(format, home);
        const written = writeNumber(text, at, 'called');
        expect(written === text || /^[+\d*]|%23/.test(written)).toBe(true);
        readNumber(text, at, 'called');
        spellingsOf(text, at);
      }),
    );
  });
});

describe('spellingsOf', () => {
  it.each<[string, string, NumberPlan | undefined]>([
    ['without +, to a trunk that reads it whole', '88112345678', plan('digits', PARIS)],
    ['without +, to a trunk that expects one', '88112345678', plan('e164', PARIS)],
    ['with 00', '0088112345678', plan('e164', BERLIN)],
    ['with the exit code of another country', '001188112345678', plan('e164', { country: '61' })],
    ['with separators', '00-881-12.34(5678)', plan('digits', BERLIN)],
    ['escaped', '%2B%38%38112345678', plan('digits', BERLIN)],
    ['with parameters', '+88112345678;isub=1', plan('digits', BERLIN)],
    [
      'through a trunk that changes it',
      '9912345678',
      plan('e164', { called: { send: [{ strip: '99', prepend: '+881' }] } }),
    ],
    ['escaped, through a trunk without a plan', '%2B88112345678', undefined],
  ])('knows a satellite network %s', (_what, dialed, at) => {
    expect(spellingsOf(dialed, at)).toContain('+88112345678');
  });

  it('names the spelling of the country, about which rules may be', () => {
    expect(spellingsOf('+49900123456', plan('e164', BERLIN))).toEqual(['+49900123456', '0900123456']);
  });
});
