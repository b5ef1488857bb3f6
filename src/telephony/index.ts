export type { BanPolicy } from './bans.ts';
export type {
  AuthPolicy,
  ProfilePolicy,
  Profiles,
  RegistrationPolicy,
  TelephonyOptions,
  TelephonyTimers,
  Trunk,
  UserAccount,
  UserSecret,
} from './options.ts';
export { recoverCallRecords } from './record-book.ts';
export type { Registration } from './registrar.ts';
export type { ReloadableOptions } from './settings.ts';
export type { WireAddress } from './srf-adapter.ts';
export { startTelephony, type Telephony } from './telephony.ts';
export type { TrunkView } from './trunk-directory.ts';
