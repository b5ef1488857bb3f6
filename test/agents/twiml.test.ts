import twilio from 'twilio';
import { describe, expect, it } from 'vitest';
import { parseTwiml } from '../../src/agents/twilio/twiml.ts';

const { VoiceResponse } = twilio.twiml;
const BASE = 'https://app.example/voice?x=1';
const verbs = (inner: string) =>
  parseTwiml(`<?xml version="1.0" encoding="UTF-8"?><Response>${inner}</Response>`, BASE);
const refused = (text: string): string => {
  try {
    parseTwiml(text, BASE);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'taken';
};

describe('TwiML', () => {
  it('of the real library is read as it was meant', () => {
    const response = new VoiceResponse();
    response.say('Hello & welcome <caller>');
    const stream = response.connect({ action: '/after', method: 'GET' }).stream({
      url: 'wss://app.example/stream',
      name: 'talk',
      statusCallback: 'status',
      statusCallbackMethod: 'POST',
    });
    stream.parameter({ name: 'from_number', value: '+15550100 "&<>' });
    response.pause({ length: 3 });
    const dial = response.dial({ action: 'https://other.example/dialed' });
    dial.number('+1 (555) 010-0199');
    dial.sip('sip:bob@pbx.example;transport=tls');
    dial.client('carol');
    response.play({ digits: '1wW2#' });
    response.redirect({ method: 'GET' }, 'next?y=2');
    response.reject({ reason: 'busy' });
    response.hangup();
    expect(parseTwiml(response.toString(), BASE)).toEqual([
      { kind: 'skip', verb: 'Say' },
      {
        kind: 'connect',
        action: { url: 'https://app.example/after', method: 'GET' },
        stream: {
          url: 'wss://app.example/stream',
          name: 'talk',
          parameters: { from_number: '+15550100 "&<>' },
          statusCallback: { url: 'https://app.example/status', method: 'POST' },
        },
      },
      { kind: 'pause', ms: 3000 },
      {
        kind: 'dial',
        targets: ['+15550100199', 'sip:bob@pbx.example;transport=tls', 'carol'],
        action: { url: 'https://other.example/dialed', method: 'POST' },
      },
      { kind: 'digits', digits: '1www2#' },
      { kind: 'redirect', to: { url: 'https://app.example/next?y=2', method: 'GET' } },
      { kind: 'reject', sipStatus: 486 },
      { kind: 'hangup' },
    ]);
  });

  it('has its defaults', () => {
    expect(verbs('<Pause/><Reject/><Dial>+49301234</Dial>')).toEqual([
      { kind: 'pause', ms: 1000 },
      { kind: 'reject', sipStatus: 603 },
      { kind: 'dial', targets: ['+49301234'], action: undefined },
    ]);
    expect(parseTwiml('<Response/>', undefined)).toEqual([]);
  });

  it('that cannot be done here is skipped verb by verb, known or not', () => {
    const names = ['Gather', 'Record', 'Play', 'Enqueue', 'Nonsense', 'constructor', '__proto__', 'toString'];
    expect(verbs(names.map((name) => `<${name}/>`).join(''))).toEqual(names.map((verb) => ({ kind: 'skip', verb })));
    expect(verbs('<Connect><Room>x</Room></Connect><Dial><Conference>y</Conference></Dial>')).toEqual([
      { kind: 'skip', verb: 'Connect/Room' },
      { kind: 'skip', verb: 'Dial/Conference' },
    ]);
  });

  it.each([
    ['what is no XML', 'hello'],
    ['nothing', ''],
    ['an element that does not end', '<Response><Hangup></Response>'],
    ['two roots', '<Response/><Response/>'],
    ['another root', '<html/>'],
    ['a document type', '<!DOCTYPE Response><Response/>'],
    ['an entity of its own', '<!DOCTYPE r [<!ENTITY a "1">]><Response><Say>&a;</Say></Response>'],
    ['an external entity', '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><Response>&a;</Response>'],
    [
      'a billion laughs',
      `<!DOCTYPE r [<!ENTITY a "ha">${Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i} "${'&a;'.repeat(10)}">`).join('')}]><Response>&a8;</Response>`,
    ],
    ['an entity nobody knows', '<Response><Say>&nbsp;</Say></Response>'],
    ['a processing instruction', '<Response><?php echo 1 ?></Response>'],
    ['what is nested too deep', `<Response>${'<a>'.repeat(20)}${'</a>'.repeat(20)}</Response>`],
    ['too many verbs', `<Response>${'<Pause/>'.repeat(201)}</Response>`],
    ['too many elements', `<Response><Say>${'<b/>'.repeat(2000)}</Say></Response>`],
    [
      'too many attributes',
      `<Response><Say ${Array.from({ length: 60 }, (_, i) => `a${i}="1"`).join(' ')}/></Response>`,
    ],
    ['too much', `<Response><Say>${'x'.repeat(70_000)}</Say></Response>`],
    ['text beside verbs', '<Response>hello<Hangup/></Response>'],
    ['a Connect without a noun', '<Response><Connect/></Response>'],
    ['a Connect with two', '<Response><Connect><Stream url="wss://a"/><Stream url="wss://b"/></Connect></Response>'],
    ['a Stream without a URL', '<Response><Connect><Stream/></Connect></Response>'],
    ['a Stream to a web page', '<Response><Connect><Stream url="https://a"/></Connect></Response>'],
    ['a Stream of both tracks', '<Response><Connect><Stream url="wss://a" track="both_tracks"/></Connect></Response>'],
    [
      'a Parameter above 500 characters',
      `<Response><Connect><Stream url="wss://a"><Parameter name="a" value="${'x'.repeat(500)}"/></Stream></Connect></Response>`,
    ],
    [
      'a Parameter without a name',
      '<Response><Connect><Stream url="wss://a"><Parameter value="1"/></Stream></Connect></Response>',
    ],
    ['a Redirect to a file', '<Response><Redirect>file:///etc/passwd</Redirect></Response>'],
    ['a Redirect with DELETE', '<Response><Redirect method="DELETE">/a</Redirect></Response>'],
    ['a Pause of words', '<Response><Pause length="long"/></Response>'],
    ['a Dial of nobody', '<Response><Dial/></Response>'],
    ['a Dial of a word', '<Response><Dial>bob</Dial></Response>'],
    ['a Dial of a SIP URI with more behind', '<Response><Dial><Sip>sip:a@b&gt;;x</Sip></Dial></Response>'],
    ['a Dial of a client with a header inside', '<Response><Dial><Client>bob&#13;&#10;X: y</Client></Dial></Response>'],
    ['a Reject for no reason', '<Response><Reject reason="tired"/></Response>'],
  ])('refuses %s whole', (_what, text) => {
    expect(refused(text)).toBe('AGENT_TWIML');
  });

  it('cannot reach what every object has', () => {
    const [connect] = verbs(
      '<Connect><Stream url="wss://a"><Parameter name="__proto__" value="x"/><Parameter name="constructor" value="y"/></Stream></Connect>',
    );
    expect(JSON.stringify(connect)).toContain('"__proto__":"x"');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
