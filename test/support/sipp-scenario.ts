/**
 * SIPp's scenarios, written step by step: who knows the dialog fills in its headers. At a gate SIPp waits until the test
 * lets it on, so that a test measures what it wants for as long as it takes.
 */
export interface Checks {
  /** Regular expressions (POSIX) that must be found in the body, and in headers: name → expression. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Sent {
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly type?: string;
}

const CONTACT = 'Contact: <sip:+4930555@[local_ip]:[local_port];transport=[transport]>';
const FROM = '<sip:+4930555@[local_ip]:[local_port]>;tag=[pid]t[call_number]';
const TAG = 'tag=[pid]u[call_number]';

/** SIPp calls `[service]`, or is `called`. */
export class SippScenario {
  readonly #steps: string[] = [];
  readonly #variables: string[] = [];
  #cseq: number;
  #inviteCseq = 0;
  #hasRefusal = false;
  #local = FROM;
  #remote = '<sip:[service]@[remote_ip]:[remote_port]>';
  #target = 'sip:[service]@[remote_ip]:[remote_port]';

  /** `firstCseq`: of its first request, the others follow. */
  constructor(firstCseq = 1) {
    this.#cseq = firstCseq - 1;
  }

  get xml(): string {
    const known = this.#variables.length === 0 ? '' : `<Reference variables="${this.#variables.join(',')}"/>`;
    const over = this.#hasRefusal ? '<label id="over"/>\n' : '';
    return `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="written">\n${this.#steps.join('\n')}\n${over}${known}\n</scenario>\n`;
  }

  /** A request of the dialog, or the one that begins it. */
  request(method: string, { headers = [], body = '', type = 'application/sdp' }: Sent = {}): this {
    this.#cseq += 1;
    if (method === 'INVITE') this.#inviteCseq = this.#cseq;
    return this.#sendRequest(method, this.#cseq, [CONTACT, ...headers, ...typed(body, type)], body);
  }

  ack(body = ''): this {
    return this.#sendRequest('ACK', this.#inviteCseq, typed(body, 'application/sdp'), body);
  }

  /** PRACK for the response that came last, in the dialog that it names. */
  prack(): this {
    return this.request('PRACK', { headers: [`RAck: [$rseq] ${this.#inviteCseq} INVITE`] });
  }

  /** What must come next. */
  response(status: number, checks: Checks = {}): this {
    return this.#receive(`response="${status}"`, this.#checked(checks));
  }

  optional(status: number): this {
    return this.#receive(`response="${status}" optional="true"`, []);
  }

  /** A response that tells the other side's part of the dialog; `isReliable`: and the RSeq for `prack`. */
  dialogResponse(status: number, checks: Checks = {}, isReliable = false): this {
    const take = [this.#take('To', '[^ ].*', 'remote'), this.#take('Contact', 'sip:[^>;]*', 'target')];
    if (isReliable) take.push(this.#take('RSeq', '[0-9]+', 'rseq'));
    this.#receive(`response="${status}"`, [...take, ...this.#checked(checks)]);
    this.#remote = '[$remote]';
    this.#target = '[$target]';
    return this;
  }

  /** A request of the other side, answered at once unless `status` is 0. */
  incoming(method: string, checks: Checks = {}, status = 200): this {
    this.#receive(`request="${method}"`, this.#checked(checks));
    if (status === 0) return this;
    return this.#sendText(
      [
        `SIP/2.0 ${status} OK`,
        ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`),
        CONTACT,
        'Content-Length: 0',
      ],
      '',
    );
  }

  /** The INVITE that begins the call, for a scenario in which SIPp is called. */
  called(checks: Checks = {}): this {
    this.#receive('request="INVITE"', [
      this.#take('From', '[^ ].*', 'remote'),
      this.#take('To', '[^ ].*', 'local'),
      this.#take('Contact', 'sip:[^>;]*', 'target'),
      this.#take('Via', '[^ ].*', 'via'),
      this.#take('CSeq', '[0-9]+', 'invited'),
      ...this.#checked(checks),
    ]);
    this.#remote = '[$remote]';
    this.#local = `[$local];${TAG}`;
    this.#target = '[$target]';
    return this;
  }

  /** Refuses the INVITE, which ends this call of SIPp's, unless its header is as it should be. */
  refusedUnless(header: string, regexp: string, status: number, headers: readonly string[]): this {
    const variable = this.#unused();
    const look = this.#take(header, regexp, variable).replace(' check_it="true"', '');
    this.#steps.splice(-1, 1, (this.#steps.at(-1) ?? '').replace('</action>', `${look}</action>`));
    this.#steps.push(`<nop next="right" test="${variable}"/>`);
    this.answer(status, { headers }).incoming('ACK', {}, 0);
    this.#steps.push('<nop next="over"/>', '<label id="right"/>');
    this.#hasRefusal = true;
    return this;
  }

  /** Answers that INVITE. */
  answer(status: number, { headers = [], body = '', type = 'application/sdp' }: Sent = {}): this {
    const lines = [
      `SIP/2.0 ${status} Status`,
      'Via: [$via]',
      'From: [$remote]',
      `To: ${this.#local}`,
      'Call-ID: [call_id]',
      'CSeq: [$invited] INVITE',
      CONTACT,
      ...headers,
      ...typed(body, type),
      'Content-Length: [len]',
    ];
    return this.#sendText(lines, body, status >= 200);
  }

  /** Waits for the test. The log tells that it has come here, with the dialog's Call-ID and who the two are. */
  gate(name: string): this {
    const known = `at ${name} [call_id] ${this.#local} ${this.#remote}`.replaceAll('<', '&lt;');
    this.#steps.push(`<nop><action><log message="${known}"/></action></nop>`, '<recv request="INFO"/>');
    return this;
  }

  #sendRequest(method: string, cseq: number, headers: readonly string[], body: string): this {
    const lines = [
      `${method} ${this.#target} SIP/2.0`,
      'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport',
      'Max-Forwards: 70',
      `From: ${this.#local}`,
      `To: ${this.#remote}`,
      'Call-ID: [call_id]',
      `CSeq: ${cseq} ${method}`,
      ...headers,
      'Content-Length: [len]',
    ];
    return this.#sendText(lines, body, method !== 'ACK');
  }

  #sendText(lines: readonly string[], body: string, isRepeated = false): this {
    const text = `${lines.join('\n')}\n\n${body}`;
    this.#steps.push(`<send${isRepeated ? ' retrans="500"' : ''}><![CDATA[\n${text}\n]]></send>`);
    return this;
  }

  #receive(what: string, actions: readonly string[]): this {
    this.#steps.push(
      actions.length === 0 ? `<recv ${what}/>` : `<recv ${what}><action>${actions.join('')}</action></recv>`,
    );
    return this;
  }

  #take(header: string, regexp: string, variable: string): string {
    if (!this.#variables.includes(variable)) this.#variables.push(variable);
    return ereg(`search_in="hdr" header="${header}:"`, regexp, variable);
  }

  #checked({ body, headers = {} }: Checks): string[] {
    const found = Object.entries(headers).map(([name, regexp]) => this.#take(name, regexp, this.#unused()));
    if (body === undefined) return found;
    const variable = this.#unused();
    this.#variables.push(variable);
    return [...found, ereg('search_in="body"', body, variable)];
  }

  #unused(): string {
    return `check${this.#variables.length}`;
  }
}

function ereg(where: string, regexp: string, variable: string): string {
  return `<ereg regexp="${regexp.replaceAll('"', '&quot;')}" ${where} check_it="true" assign_to="${variable}"/>`;
}

function typed(body: string, type: string): readonly string[] {
  return body === '' ? [] : [`Content-Type: ${type}`];
}
