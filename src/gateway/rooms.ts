/** Rooms from the configuration: tokens, signaling, and what the API shows of them. */

import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Auth, createAuth, GRANTS, type Grant, publicKeys, secretKey, type VerifyKey } from '../auth/index.ts';
import type { Config, UserConfig } from '../config/index.ts';
import type { RunningMediaPlane } from '../media/index.ts';
import type { RoomViews } from '../ops/index.ts';
import { type Signaling, startSignaling } from '../signaling/index.ts';
import type { Store } from '../store/index.ts';
import type { RoomFigures } from '../telemetry/index.ts';
import { ClientStats } from './client-stats.ts';
import { clock, type Parts, random } from './parts.ts';

export interface Rooms {
  readonly signaling: Signaling;
  readonly views: RoomViews;
  figures(): RoomFigures;
}

interface RoomsInput {
  readonly media: RunningMediaPlane;
  readonly store: Store;
  /** Read anew at each request: a reload may change them. */
  readonly users: () => readonly UserConfig[];
}

/** How long a token of ours lives; the SDK renews it in time. */
const tokenSec = 3600;

/** Undefined when rooms are not wanted. Throws AUTH_* errors. */
export async function startRooms(parts: Parts, { media, store, users }: RoomsInput): Promise<Rooms | undefined> {
  const { config, logger, scope } = parts;
  const { rooms, auth: policy } = config;
  if (!rooms.enabled) return undefined;
  const keys = loadKeys(config);
  const auth = await createAuth({ keys, policy: { ...policy, issuer: policy.issuer }, store, clock, random });
  const clients = new ClientStats();
  const signaling = await startSignaling({
    ...rooms,
    resumeMs: rooms.resumeSec * 1000,
    auth,
    media: media.rooms,
    store,
    clock,
    random,
    logger,
    iceServers: () => Promise.resolve([]),
    onStats: (_peer, report) => clients.add(report),
  });
  scope.add(() => signaling.close());
  return {
    signaling,
    views: createRoomViews(signaling, auth, users),
    figures: () => {
      const { refused, ...figures } = signaling.figures();
      return { media: { ...media.rooms.counters() }, signaling: figures, refused, clients: clients.figures };
    },
  };
}

function loadKeys({ auth }: Config): readonly VerifyKey[] {
  const { secretEnv } = auth;
  const secret = secretEnv === undefined ? [] : [secretKey(process.env[secretEnv] ?? '', secretEnv)];
  return [...secret, ...auth.publicKeys.flatMap((file) => publicKeys(readFileSync(file, 'utf8'), file))];
}

function createRoomViews(signaling: Signaling, auth: Auth, users: () => readonly UserConfig[]): RoomViews {
  const { mint } = auth;
  return {
    rooms: () => signaling.rooms(),
    mint:
      mint &&
      (({ grants = GRANTS, tenant = 'default', ttlSec = tokenSec, ...request }) =>
        mint({ ...request, tenant, ttlSec, grants: grants.filter(isGrant) })),
    account: (name, password) => {
      const user = users().find((each) => each.name === name);
      if (user === undefined || !isSame(user.password, password)) return undefined;
      // Whose trunks are everybody's is a user of the default tenant here: a room is of one.
      const tenant = user.tenant === '*' ? 'default' : user.tenant;
      return { subject: name, name: user.displayName ?? name, tenant };
    },
    revoke: (what) => {
      if ('tokenId' in what) return auth.revoke({ kind: 'token', ...what });
      if ('sessionId' in what) return auth.revoke({ kind: 'session', ...what });
      return auth.revoke({ kind: 'subject', ...what });
    },
  };
}

function isGrant(text: string): text is Grant {
  return (GRANTS as readonly string[]).includes(text);
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
