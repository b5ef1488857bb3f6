/** The twelve keys, as buttons. */
const keys = [
  ['1', ''],
  ['2', 'ABC'],
  ['3', 'DEF'],
  ['4', 'GHI'],
  ['5', 'JKL'],
  ['6', 'MNO'],
  ['7', 'PQRS'],
  ['8', 'TUV'],
  ['9', 'WXYZ'],
  ['*', ''],
  ['0', '+'],
  ['#', ''],
] as const;

const spoken: Record<string, string> = { '*': 'Star', '#': 'Pound' };
const PRESSED_MS = 120;

/** Fills `home` with the keys; `onDigit` hears each press. */
export function buildKeypad(home: HTMLElement, onDigit: (digit: string) => void): void {
  for (const [digit, letters] of keys) {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset['digit'] = digit;
    button.setAttribute('aria-label', spoken[digit] ?? digit);
    const small = document.createElement('small');
    small.textContent = letters;
    button.append(digit, small);
    button.addEventListener('click', () => onDigit(digit));
    home.append(button);
  }
}

/** Shows a digit that came from the keyboard as pressed for a moment. */
export function flashKey(home: HTMLElement, digit: string): void {
  const button = home.querySelector(`[data-digit="${digit}"]`);
  button?.classList.add('pressed');
  setTimeout(() => button?.classList.remove('pressed'), PRESSED_MS);
}

/** Whether a typed character is a digit that a telephone-event can carry (RFC 4733 §3.2). */
export function isDigit(key: string): boolean {
  return /^[0-9*#A-D]$/.test(key);
}
