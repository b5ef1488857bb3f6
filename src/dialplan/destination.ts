/** From a route with placeholders to what is to be done with one call. */
import type { FallbackCause } from './cause.ts';
import type { RouteRequest } from './request.ts';
import type { Hook, PlaceData, RingingData, Route, StageData } from './route-schema.ts';
import { type Captures, fillTemplate } from './template.ts';

/** Where one leg goes. */
export type Place =
  /** The user part of an AOR of ours, or user@host. */
  | { readonly kind: 'user'; readonly aor: string }
  /** A trunk or a trunk group. */
  | { readonly kind: 'trunk'; readonly trunk: string; readonly number: string }
  | { readonly kind: 'agent'; readonly agent: string };

/** Places rung at once. */
export interface PlannedStage {
  readonly places: readonly Place[];
  readonly ringSec: number | undefined;
  /** After which causes the next stage is rung. */
  readonly on: readonly FallbackCause[];
}

/** What is rung when the stages before have ended with one of these causes. */
export interface PlannedFallback {
  readonly on: readonly FallbackCause[];
  readonly stages: readonly PlannedStage[];
}

export type Destination =
  | {
      readonly kind: 'ring';
      /** Rung one after another; at least one. */
      readonly stages: readonly PlannedStage[];
      readonly fallbacks: readonly PlannedFallback[];
      /** The user part that the called party sees; undefined: the caller's own. */
      readonly callerId: string | undefined;
    }
  | { readonly kind: 'room'; readonly room: string }
  | { readonly kind: 'hook'; readonly hook: Hook }
  | { readonly kind: 'reject'; readonly status: number; readonly reason: string };

export type Filled = { readonly destination: Destination } | { readonly missing: string };

export interface FillContext {
  readonly captures: Captures;
  readonly request: RouteRequest;
  /** Whether this caller may reach a trunk by this route. */
  readonly mayUseTrunks: boolean;
  /** What a stage without `on` goes on after. */
  readonly on: readonly FallbackCause[];
}

/** What may go into a Request-URI's user part unescaped (RFC 3261 §25.1), with an optional host. */
const SAFE_TARGET = /^[\w.!~*'()+&=$,#-]{1,128}(?:@[\w.-]{1,253})?$/u;
const NO_NUMBER = 'numbers has no entry for what was dialed';
const NOT_FOUND: Destination = { kind: 'reject', status: 404, reason: 'Not Found' };

/** `missing`: the route needs what is not there (a trunk, an entry of `numbers`), so that the next rule is tried. */
export function fillRoute(route: Route, context: FillContext): Filled {
  if (route.reject !== undefined) return { destination: { kind: 'reject', ...route.reject } };
  if (route.hook !== undefined) return { destination: { kind: 'hook', hook: route.hook } };
  if (route.room !== undefined) return fillRoom(route.room, context);
  const { stages, missing, isUnsafe } = fillStages(route, context);
  if (isUnsafe) return { destination: NOT_FOUND };
  if (stages.length === 0) return { missing };
  const fallbacks = (route.fallback ?? [])
    .map((each): PlannedFallback => ({ on: each.on, stages: fillStages(each, context).stages }))
    .filter((each) => each.stages.length > 0);
  const callerId = route.callerId === undefined ? undefined : fillTemplate(route.callerId, context.captures);
  const isSafe = callerId !== undefined && SAFE_TARGET.test(callerId);
  return { destination: { kind: 'ring', stages, fallbacks, callerId: isSafe ? callerId : undefined } };
}

function fillRoom(template: string, { captures }: FillContext): Filled {
  const room = fillTemplate(template, captures);
  if (room === undefined) return { missing: NO_NUMBER };
  return { destination: SAFE_TARGET.test(room) ? { kind: 'room', room } : NOT_FOUND };
}

interface FilledStages {
  /** Those that have a place. */
  readonly stages: readonly PlannedStage[];
  /** Why a place was left out, if one was. */
  readonly missing: string;
  /** What was dialed does not fit into a URI. */
  readonly isUnsafe: boolean;
}

function fillStages(route: RingingData, context: FillContext): FilledStages {
  const data: readonly StageData[] = route.hunt ?? [route];
  const filled = data.map((stage) => ({
    stage,
    places: (stage.fork ?? [stage]).map((each) => fillPlace(each, context)),
  }));
  const all = filled.flatMap(({ places }) => places);
  return {
    stages: filled
      .map(
        ({ stage, places }): PlannedStage => ({
          places: places.flatMap((each) => ('place' in each ? [each.place] : [])),
          ringSec: stage.ringSec,
          on: stage.on ?? context.on,
        }),
      )
      .filter(({ places }) => places.length > 0),
    missing: all.flatMap((each) => ('missing' in each ? [each.missing] : []))[0] ?? '',
    isUnsafe: all.some((each) => 'unsafe' in each),
  };
}

type FilledPlace = { readonly place: Place } | { readonly missing: string } | { readonly unsafe: string };

function fillPlace(data: PlaceData, context: FillContext): FilledPlace {
  if (data.agent !== undefined) return { place: { kind: 'agent', agent: data.agent } };
  const target = fillTemplate(data.user ?? data.number ?? '', context.captures);
  if (target === undefined) return { missing: NO_NUMBER };
  if (!SAFE_TARGET.test(target)) return { unsafe: target };
  return data.user === undefined
    ? fillTrunk(data.trunk ?? '', target, context)
    : { place: { kind: 'user', aor: target } };
}

function fillTrunk(name: string, number: string, { request, mayUseTrunks }: FillContext): FilledPlace {
  if (!mayUseTrunks) return { missing: `callers of kind ${request.source} may not use a trunk here` };
  const trunk = name === '*' ? request.trunks[0] : request.trunks.find((each) => each === name);
  if (trunk !== undefined) return { place: { kind: 'trunk', trunk, number } };
  return { missing: name === '*' ? 'no trunk is configured' : `no trunk or trunk group ${name} for this tenant` };
}
