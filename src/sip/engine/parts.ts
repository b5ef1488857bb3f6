import type { Admission } from './admission.ts';
import type { AppDelivery } from './app-delivery.ts';
import type { AppTable } from './app-table.ts';
import type { CallReports } from './call-reports.ts';
import type { ClientTransactions } from './client-transactions.ts';
import type { Connections } from './connections.ts';
import type { EngineCore } from './core.ts';
import type { DialogTable } from './dialog-table.ts';
import type { EarlyNotifies } from './early-notifies.ts';
import type { NextHops } from './next-hop.ts';
import type { ServerTransactions } from './server-transactions.ts';

/** The engine's tables, which those who decide work on together. */
export interface EngineParts {
  readonly core: EngineCore;
  readonly admission: Admission;
  readonly appTable: AppTable;
  readonly servers: ServerTransactions;
  readonly clients: ClientTransactions;
  readonly dialogs: DialogTable;
  readonly notifies: EarlyNotifies;
  readonly reports: CallReports;
  readonly connections: Connections;
  readonly hops: NextHops;
  readonly delivery: AppDelivery;
}
