/** A signal with what codecs and concealment live by in speech: a wandering pitch, formants, syllables. */
const FORMANTS = [
  { hz: 500, width: 200 },
  { hz: 1500, width: 300 },
  { hz: 2500, width: 400 },
];
const SYLLABLES_PER_SEC = 4;

export function syntheticVoice(rateHz: number, seconds: number): Int16Array {
  const pcm = new Int16Array(rateHz * seconds);
  let phase = 0;
  for (let i = 0; i < pcm.length; i++) {
    const at = i / rateHz;
    const pitchHz = 130 + 30 * Math.sin(2 * Math.PI * 0.9 * at) + 10 * Math.sin(2 * Math.PI * 2.3 * at);
    phase += (2 * Math.PI * pitchHz) / rateHz;
    const syllable = Math.max(0.02, Math.sin(Math.PI * SYLLABLES_PER_SEC * at) ** 2);
    let sum = 0;
    for (let harmonic = 1; harmonic * pitchHz < Math.min(3400, rateHz / 2); harmonic++) {
      sum += gainAt(harmonic * pitchHz, at) * Math.sin(harmonic * phase);
    }
    pcm[i] = 6000 * syllable * sum;
  }
  return pcm;
}

/** The formants move from syllable to syllable. */
function gainAt(hz: number, at: number): number {
  let gain = 0.02;
  for (const [index, formant] of FORMANTS.entries()) {
    const centre = formant.hz * (1 + 0.25 * Math.sin(2 * Math.PI * (0.7 + 0.3 * index) * at));
    gain += Math.exp(-(((hz - centre) / formant.width) ** 2)) / (index + 1);
  }
  return gain;
}
