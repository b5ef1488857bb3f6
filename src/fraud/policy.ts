/** What the breaker lets pass. Plain data. */

export interface PrefixRule {
  /** `+` and digits, or digits as users dial them inside the country. The longest that fits a number counts. */
  readonly prefix: string;
  readonly deny: boolean;
  /** What a minute costs, in whatever unit the budgets are in. */
  readonly unitsPerMinute: number;
  /** Calls of one tenant to numbers under this prefix; undefined: any. */
  readonly callsPerHour?: number | undefined;
}

export interface Budget {
  /** Undefined: no limit. */
  readonly unitsPerHour?: number | undefined;
  readonly unitsPerDay?: number | undefined;
}

export interface FraudPolicy {
  readonly rules: readonly PrefixRule[];
  /** How users dial out of the country. */
  readonly exitCodes: readonly string[];
  /** A number without a rule. */
  readonly unitsPerMinute: number;
  /** Of one user, to trunks. */
  readonly userCallsPerMinute: number;
  readonly userConcurrentCalls: number;
  /** Of a tenant that has none of its own below. */
  readonly budget: Budget;
  readonly budgets: Readonly<Record<string, Budget>>;
}

/** The rule for a number as `comparable` gives it. */
export function ruleFor(number: string, policy: FraudPolicy): PrefixRule | undefined {
  let best: PrefixRule | undefined;
  for (const rule of policy.rules) {
    if (number.startsWith(rule.prefix) && rule.prefix.length > (best?.prefix.length ?? -1)) best = rule;
  }
  return best;
}

/** Of the rules for the spellings of one number: one that denies, else the dearest, else the one for fewest calls. */
export function strictest(rules: readonly (PrefixRule | undefined)[]): PrefixRule | undefined {
  const isStricter = (a: PrefixRule, b: PrefixRule): boolean => {
    if (a.deny !== b.deny) return a.deny;
    if (a.unitsPerMinute !== b.unitsPerMinute) return a.unitsPerMinute > b.unitsPerMinute;
    return (a.callsPerHour ?? Number.POSITIVE_INFINITY) < (b.callsPerHour ?? Number.POSITIVE_INFINITY);
  };
  let best: PrefixRule | undefined;
  for (const rule of rules) if (rule !== undefined && (best === undefined || isStricter(rule, best))) best = rule;
  return best;
}

/** Lets everything pass. */
export const NO_TOLL_POLICY: FraudPolicy = {
  rules: [],
  exitCodes: [],
  unitsPerMinute: 0,
  userCallsPerMinute: Number.POSITIVE_INFINITY,
  userConcurrentCalls: Number.POSITIVE_INFINITY,
  budget: {},
  budgets: {},
};
