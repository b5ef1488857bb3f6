/** The page's composition root: the phone, its face, and what the gateway tells about itself. */
import { systemClock } from '../../kernel/index.ts';
import { Microphone } from './microphone.ts';
import { Softphone } from './phone.ts';
import { Ringer } from './ringer.ts';
import { forgetAccount, instanceId, loadAccount, saveAccount } from './sign-in.ts';
import { type SignInForm, View } from './view.ts';

declare global {
  interface Window {
    /** The phone itself, for tests and for the curious. */
    softphone: Softphone;
  }
}

/** The SIP domain; the host of the page when the gateway does not say. */
async function loadDomain(): Promise<string> {
  try {
    const response = await fetch('/api/softphone');
    const body: unknown = response.ok ? await response.json() : undefined;
    if (typeof body === 'object' && body !== null && 'domain' in body && typeof body.domain === 'string')
      return body.domain;
  } catch {
    // The gateway may be restarting; the host of the page is a good guess.
  }
  return location.hostname;
}

const phone = new Softphone(systemClock, new Microphone(), instanceId(sessionStorage));
const domain = loadDomain();
const server = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/sip`;
const hash = new URLSearchParams(location.hash.slice(1));

/** Registers; the account is kept for this tab only when the gateway took it and the person wants it. */
async function signIn({ user, password, stays }: SignInForm): Promise<void> {
  const account = { user, password, domain: await domain, server, rawAudio: hash.get('audio') === 'raw' };
  try {
    await phone.register(account);
    if (stays) saveAccount(sessionStorage, account);
  } catch {
    // The view shows why; a remembered password that does not work any more is of no use.
    forgetAccount(sessionStorage);
  }
}

const view = new View(phone, new Ringer(), systemClock, {
  signIn: (form) => void signIn(form),
  signOut: () => {
    forgetAccount(sessionStorage);
    void phone.signOut();
  },
});

window.softphone = phone;
view.start(hash.get('user') ?? undefined);

const kept = loadAccount(sessionStorage);
if (kept !== undefined) void signIn({ ...kept, stays: true });

addEventListener('online', () => phone.networkChanged());
// Network Information API: not in every browser, and the others notice when nothing comes any more.
const network: unknown = Reflect.get(navigator, 'connection');
if (network instanceof EventTarget) network.addEventListener('change', () => phone.networkChanged());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') phone.checkLine();
});
// A closed tab must not leave the other party talking to nobody.
addEventListener('pagehide', () => void phone.signOut());
