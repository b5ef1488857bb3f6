/** Which video codec a participant should send with. */

/** Phones and tablets have an encoder for H.264 in hardware: anything else heats them (RFC 7742 §5 has both mandatory). */
const MOBILE = /Android|iPhone|iPad|iPod|Mobile/i;

/** Names of codecs, the best first, for who says this User-Agent. */
export function videoCodecOrder(userAgent: string | undefined): readonly string[] {
  return MOBILE.test(userAgent ?? '') ? ['H264', 'VP8', 'VP9', 'AV1'] : ['VP8', 'H264', 'VP9', 'AV1'];
}
