/** The listener for AudioSocket, where the configuration has calls for it. */
import { AudioSocketServer } from '../agents/index.ts';
import type { AgentAudio, LocalCallDesk } from '../calls/index.ts';
import { clock, type Parts } from './parts.ts';

/** Throws as `listen` does, when its address is in use. */
export async function startAudioSocket(
  { config, logger, scope }: Parts,
  { desk, audio }: { readonly desk: LocalCallDesk; readonly audio: AgentAudio },
): Promise<void> {
  const { calls: entries, ...where } = config.audioSocket;
  if (entries.length === 0) return;
  const server = await AudioSocketServer.start({ ...where, entries, desk, audio, clock, logger });
  scope.add(() => server.stop());
}
