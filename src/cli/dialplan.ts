/** `viaduct dialplan`: what the rules make of a call, without making one. */
import type { Config } from '../config/index.ts';
import {
  type CallSource,
  type Explanation,
  explain,
  type Place,
  type PlannedStage,
  type RouteRequest,
} from '../dialplan/index.ts';

export interface DialplanTest {
  readonly from: string;
  readonly to: string;
  readonly trunk: string | undefined;
  readonly user: string | undefined;
  readonly tenant: string | undefined;
  /** As `Name=value`. */
  readonly headers: readonly string[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

const DEFAULT_TENANT = 'default';
const SHARED = '*';

/** The lines to show: the call as the rules see it, the rules that did not match and why, and the decision. */
export function describeRoute(
  config: Config,
  demoUsers: readonly string[],
  test: DialplanTest,
): { readonly text: string; readonly isRefused: boolean } {
  const request = requestOf(config, demoUsers, test);
  const explanation = explain(config.dialplan, request);
  const who = request.trunk === undefined ? request.source : `trunk ${request.trunk}`;
  const lines = [
    `${request.from.user} (${who}, tenant ${request.tenant}) calls ${request.to.user}@${request.to.host}`,
    `at ${new Date(request.at).toISOString()}, by the clock of ${config.dialplan.timezone}`,
    '',
    ...ruleLines(explanation),
    '',
    ...decisionLines(explanation),
  ];
  return { text: `${lines.join('\n')}\n`, isRefused: explanation.decision.kind === 'reject' };
}

function requestOf(config: Config, demoUsers: readonly string[], test: DialplanTest): RouteRequest {
  const { domain } = config.sip;
  const users = config.users ?? demoUsers.map((name) => ({ name, tenant: DEFAULT_TENANT }));
  const from = partyOf(test.user ?? test.from, domain);
  const to = partyOf(test.to, domain);
  const caller = users.find(({ name }) => name === from.user);
  const source = sourceOf(test, caller !== undefined);
  const trunk = config.trunks.find(({ name }) => name === test.trunk);
  const owner = source === 'trunk' ? trunk?.tenant : caller?.tenant;
  const tenant = test.tenant ?? owner ?? DEFAULT_TENANT;
  const serves = (of: string): boolean => of === SHARED || of === tenant;
  const headers = new Map(test.headers.map((text) => splitHeader(text)));
  return {
    from,
    to,
    uri: test.to.includes(':') ? test.to : `sip:${to.user}@${to.host}`,
    trunk: test.trunk,
    tenant,
    source,
    headers: (name) => headers.get(name.toLowerCase()),
    at: test.at,
    trunks: trunkNames(config, serves),
    emergencyNumbers: config.emergencyNumbers,
    isUser: (name) => users.some((each) => each.name === name && serves(each.tenant)),
  };
}

/** The trunks that serve the tenant, then the groups all of whose trunks do. */
function trunkNames({ trunks, trunkGroups }: Config, serves: (tenant: string) => boolean): readonly string[] {
  const names = trunks.filter((trunk) => serves(trunk.tenant)).map(({ name }) => name);
  const groups = trunkGroups.filter(({ members }) => members.every(({ trunk }) => names.includes(trunk)));
  return [...names, ...groups.map(({ name }) => name)];
}

function sourceOf({ trunk, user }: DialplanTest, isUser: boolean): CallSource {
  if (trunk !== undefined) return 'trunk';
  return user !== undefined || isUser ? 'user' : 'anonymous';
}

/** `alice`, `alice@host`, `sip:alice@host;x=y` or `tel:+49…`. */
function partyOf(text: string, domain: string): { readonly user: string; readonly host: string } {
  const [user = '', host = domain] = text
    .replace(/^(?:sips?|tel):/iu, '')
    .replace(/[;?].*$/u, '')
    .split('@');
  return { user, host };
}

function splitHeader(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.toLowerCase(), ''] : [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
}

function ruleLines({ passed, decision }: Explanation): string[] {
  const names = [...passed.map(({ rule }) => rule), decision.rule];
  const width = Math.max(...names.map((name) => name.length));
  return [
    ...passed.map(
      ({ rule, miss }) => `  no   ${rule.padEnd(width)}  ${miss.key} wants ${miss.wanted}; it is ${miss.found}`,
    ),
    `  yes  ${decision.rule.padEnd(width)}  ${decision.why}`,
  ];
}

function decisionLines({ decision }: Explanation): string[] {
  const urgent = decision.isEmergency ? ['emergency call: nothing may hold it up'] : [];
  switch (decision.kind) {
    case 'reject':
      return [...urgent, `refuse with ${decision.status} ${decision.reason}`];
    case 'room':
      return [...urgent, `join room ${decision.room}`];
    case 'hook':
      return [
        ...urgent,
        `ask ${decision.hook.url}; it decides, or else ${decision.hook.fallback === undefined ? 'the next rule' : 'its fallback'}`,
      ];
    case 'ring':
      return [
        ...urgent,
        ...(decision.callerId === undefined ? [] : [`as ${decision.callerId}`]),
        ...stageLines(decision.stages),
        ...decision.fallbacks.flatMap(({ on, stages }) => [
          `after ${on.join(', ')} instead:`,
          ...indented(stageLines(stages)),
        ]),
      ];
  }
}

function stageLines(stages: readonly PlannedStage[]): string[] {
  return stages.map(({ places, ringSec, on }, index) => {
    const time = ringSec === undefined ? '' : ` for ${ringSec} s`;
    const next = index + 1 < stages.length ? `; after ${on.join(', ')}:` : '';
    return `${index === 0 ? 'ring' : 'then'} ${places.map(placeText).join(' and ')}${time}${next}`;
  });
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function placeText(place: Place): string {
  switch (place.kind) {
    case 'user':
      return `user ${place.aor}`;
    case 'trunk':
      return `${place.number} through trunk ${place.trunk}`;
    case 'agent':
      return `the agent ${place.agent}`;
  }
}
