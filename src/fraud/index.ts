export { FraudBreaker, type FraudVerdict } from './breaker.ts';
export type { Ledger } from './ledger.ts';
export { type FraudPolicy, NO_TOLL_POLICY } from './policy.ts';
