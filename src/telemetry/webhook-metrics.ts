/** What became of webhooks, as Prometheus text. */

export interface WebhookFigures {
  readonly delivered: number;
  readonly retried: number;
  readonly dead: number;
  readonly waiting: number;
}

/** All servers together: their addresses are nobody's business here. */
export function webhookLines(all: readonly WebhookFigures[]): readonly string[] {
  if (all.length === 0) return [];
  const sum = (name: keyof WebhookFigures): number => all.reduce((total, each) => total + each[name], 0);
  return [
    '# HELP viaduct_webhooks_total Events of calls: delivered, sent again, given up (dead)',
    '# TYPE viaduct_webhooks_total counter',
    ...(['delivered', 'retried', 'dead'] as const).map(
      (name) => `viaduct_webhooks_total{result="${name}"} ${sum(name)}`,
    ),
    '# HELP viaduct_webhooks_waiting Events that are still to be sent',
    '# TYPE viaduct_webhooks_waiting gauge',
    `viaduct_webhooks_waiting ${sum('waiting')}`,
  ];
}
