/** Whether this system gives packets to sockets of one port as `SharedSocket` takes for granted: tried, not guessed. */
import type { Clock } from '../../kernel/index.ts';
import { SharedSocket } from './shared-socket.ts';
import { bindAbove, bindUdp, closeUdp } from './udp.ts';

/** For a packet on its way through the machine, ms. */
const waitMs = 500;
const pollMs = 5;

type Who = 'above' | 'beneath';

/** Tries all steps of one hand-over with sockets of our own on any free port. False as well when it cannot be tried. */
export async function sharesPorts(address: string, clock: Clock): Promise<boolean> {
  const heard: Who[] = [];
  const target = reachable(address);
  const sender = await bindUdp(target, 0, () => {});
  const probe = await bindUdp(address, 0, () => {});
  const { port } = probe.address();
  await closeUdp(probe);
  const hear = (who: Who) => (): void => void heard.push(who);
  const top = await SharedSocket.bind({ address, port, onPacket: hear('above'), clock });
  const opened = [() => closeUdp(sender), () => top.close()];
  const reaches = async (who: Who): Promise<boolean> => {
    const before = heard.length;
    sender.send('?', port, target);
    for (let waited = 0; waited < waitMs && heard.length === before; waited += pollMs) {
      await new Promise<void>((resolve) => void clock.after(pollMs, resolve));
    }
    return heard.length === before + 1 && heard.at(-1) === who;
  };
  try {
    top.shield({ address: target, port: sender.address().port });
    const beneath = await bindAbove(address, port, hear('beneath'));
    opened.push(() => closeUdp(beneath));
    const isShielded = await reaches('above');
    await top.rise();
    const hasRisen = await reaches('above');
    const isParked = top.park() && (await reaches('beneath'));
    top.unpark();
    return isShielded && hasRisen && isParked && (await reaches('above'));
  } catch {
    return false;
  } finally {
    await Promise.all(opened.map((close) => close()));
  }
}

function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}
