/** The number and method of CSeq: RFC 3261 §20.16. */
export interface CSeq {
  /** 0 … 2³²−1. */
  readonly number: number;
  readonly method: string;
}

const CSEQ = /^(\d+)\s+([A-Za-z0-9\-.!%*_+`'~]+)$/;

/** Reads a CSeq value; undefined when malformed or its number is out of range. */
export function parseCSeq(value: string): CSeq | undefined {
  const [, digits = '', method = ''] = CSEQ.exec(value) ?? [];
  const number = Number(digits);
  return method === '' || number > 0xffff_ffff ? undefined : { number, method };
}
