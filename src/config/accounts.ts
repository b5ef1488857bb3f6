/** The demo accounts of a gateway without configured users: made at first start, kept in the data folder. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../kernel/index.ts';
import { errors } from './errors.ts';
import type { UserConfig } from './schema.ts';

export const DEMO_USERS = ['alice', 'bob', 'carol'] as const;

function readSecretFile(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeSecretFile(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}

/** The accounts in `folder`, generated when there are none. */
export function loadDemoAccounts(folder: string, random: Random): readonly UserConfig[] {
  const path = join(folder, 'accounts.json');
  const text = readSecretFile(path);
  if (text !== undefined) {
    try {
      return JSON.parse(text) as UserConfig[];
    } catch (cause) {
      throw errors.CONFIG_INVALID([`${path}: not valid JSON; mend it, or delete it to get new demo accounts`], {
        cause,
      });
    }
  }
  mkdirSync(folder, { recursive: true });
  const accounts = DEMO_USERS.map((name) => ({
    name,
    password: random.hex(6),
    displayName: name[0]?.toUpperCase() + name.slice(1),
    tenant: 'default',
  }));
  writeSecretFile(path, `${JSON.stringify(accounts, null, 2)}\n`);
  return accounts;
}

/** The token of the HTTP API in `folder`, generated when there is none. */
export function loadApiToken(folder: string, random: Random): string {
  const path = join(folder, 'api-token');
  const text = readSecretFile(path)?.trim();
  if (text !== undefined && text.length >= 16) return text;
  mkdirSync(folder, { recursive: true });
  const token = random.hex(24);
  writeSecretFile(path, `${token}\n`);
  return token;
}
