/** What the built-in agents say unless told otherwise. It lies rendered in `prompts/`, for machines without a voice. */
export const PROMPTS = {
  greeting:
    'Welcome to Viaduct. Press 1 for Alice, 2 for Bob, 3 for Carol, or 9 for an echo test. Press 0 to hear this again.',
  choose: 'Welcome. Please press a key.',
  transferring: 'One moment, please.',
  'unknown-key': 'There is nothing under that key.',
  unavailable: 'Nobody answers there at the moment.',
  goodbye: 'Thank you for calling. Goodbye.',
  parrot: 'This is the parrot. Say something, and I will say it back.',
  'agent-gone': 'We are sorry. There is a fault, and nobody can talk to you now. Please call again later.',
} as const;

export type PromptName = keyof typeof PROMPTS;
