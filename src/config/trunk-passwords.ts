/** Passwords of trunks that stand in the environment. */
import { errors } from './errors.ts';
import type { ConfigFile } from './schema.ts';

type TrunkConfig = ConfigFile['trunks'][number];
type Environment = Readonly<Record<string, string | undefined>>;

/** The trunks with every password in its place. Throws CONFIG_INVALID for a variable that is not set. */
export function withPasswords(trunks: readonly TrunkConfig[], where: string, environment: Environment): TrunkConfig[] {
  const filled = <
    Account extends { readonly password?: string | undefined; readonly passwordEnv?: string | undefined },
  >(
    account: Account,
    at: string,
  ): Account => {
    if (account.passwordEnv === undefined) return account;
    const password = environment[account.passwordEnv] ?? '';
    if (password !== '') return { ...account, password };
    throw errors.CONFIG_INVALID([
      `${where}: ${at}.passwordEnv: the environment variable ${account.passwordEnv} is not set`,
    ]);
  };
  return trunks.map((trunk, index) => ({
    ...trunk,
    ...(trunk.auth && { auth: filled(trunk.auth, `trunks[${index}].auth`) }),
    ...(trunk.inboundAuth && { inboundAuth: filled(trunk.inboundAuth, `trunks[${index}].inboundAuth`) }),
  }));
}
