/** Secrets live in the environment; the configuration says under which names. */
export function secretIn(variable: string | undefined): string | undefined {
  return variable === undefined ? undefined : process.env[variable];
}
