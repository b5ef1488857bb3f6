/** What the gateway plays to a party by itself. */

/** The ringback tone of a country; `eu` is that of Germany and most of Europe. */
export type RingbackTone = 'at' | 'au' | 'cn' | 'es' | 'eu' | 'fr' | 'jp' | 'uk' | 'us';

export type Sound =
  | { readonly kind: 'ringback'; readonly tone: RingbackTone }
  /** The configured music on hold, as long as nothing is heard from who holds: music of its own passes. */
  | { readonly kind: 'music' }
  /** A WAV file of the folder of sounds; looped, or once. */
  | { readonly kind: 'file'; readonly name: string; readonly isLooped: boolean };
