export { DEMO_USERS, loadApiToken, loadDemoAccounts } from './accounts.ts';
export { localAddresses, resolveAnnounced } from './addresses.ts';
export { agentSchema } from './agent-schema.ts';
export type { ListenerConfig } from './listener-schema.ts';
export { type Config, configKeys, loadConfig } from './load.ts';
export type { ProfileConfig, UserConfig } from './schema.ts';
