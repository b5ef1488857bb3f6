import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SRTP_SUITES, Srtp, type SrtpKeys, type SrtpSuiteName } from '../../src/rtp/index.ts';
import { CounterCipher, GcmCipher } from '../../src/rtp/srtp-cipher.ts';
import { derive, deriveSessionKeys } from '../../src/rtp/srtp-derive.ts';
import { SrtpReceiver, SrtpSender } from '../../src/rtp/srtp-packets.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/gu, ''), 'hex');
const suites = Object.keys(SRTP_SUITES) as SrtpSuiteName[];

function newKeys(suite: SrtpSuiteName, mki?: Uint8Array): SrtpKeys {
  const { keyBytes, saltBytes } = SRTP_SUITES[suite];
  return { suite, key: randomBytes(keyBytes), salt: randomBytes(saltBytes), ...(mki === undefined ? {} : { mki }) };
}

function rtp(sequence: number, { ssrc = 7, payload = Buffer.alloc(160, 0x5a) } = {}): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(ssrc, 8);
  payload.copy(packet, 12);
  return packet;
}

const rtcp = (): Buffer => hex('81c8000bcafebabe abababababababababababababababab');

const sealed = (sender: SrtpSender, packet: Buffer): Buffer => sender.sealRtp(packet) ?? Buffer.alloc(0);

describe('test vectors', () => {
  const master = { key: hex('E1F97A0D3E018BE0D64FA32C06DE4139'), salt: hex('0EC675AD498AFEEBB6960B3AABE6') };

  it('RFC 3711 B.3: derives session keys', () => {
    expect(derive(master, 0, 16)).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'));
    expect(derive(master, 2, 14)).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'));
    expect(derive(master, 1, 94)).toEqual(
      hex(`CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE E049646C43D9327AD175578EF7227098
        6371C10C9A369AC2F94A8C5FBCDDDC25 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2`),
    );
  });

  it('RFC 6188 7.2: derives from a key of 256 bits', () => {
    const long = {
      key: hex('f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6'),
      salt: hex('3b04803de51ee7c96423ab5b78d2'),
    };
    expect(derive(long, 0, 32)).toEqual(hex('5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4'));
    expect(derive(long, 2, 14)).toEqual(hex('fa31791685ca444a9e07c6c64e93'));
    expect(derive(long, 1, 20)).toEqual(hex('fd9c32d39ed5fbb5a9dc96b30818454d1313dc05'));
  });

  it('RFC 3711 B.2: AES in counter mode', () => {
    const session = { key: hex('2B7E151628AED2A6ABF7158809CF4F3C'), salt: hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD') };
    const packet = Buffer.alloc(48);
    new CounterCipher({ ...session, auth: Buffer.alloc(20) }).seal(packet, {
      from: 0,
      end: 48,
      ssrc: 0,
      index: 0,
      word: 0,
    });
    expect(packet).toEqual(
      hex('E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0'),
    );
  });

  it('protects RTP and RTCP as libsrtp does, with AES_CM_128_HMAC_SHA1_80', () => {
    const sender = new SrtpSender({ suite: 'AES_CM_128_HMAC_SHA1_80', ...master });
    expect(sender.sealRtp(hex('800f1234decafbadcafebabe abababababababababababababababab'))).toEqual(
      hex('800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb'),
    );
    expect(sender.sealRtcp(rtcp())).toEqual(
      hex('81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798'),
    );
  });

  const salt = hex('51756964 2070726f 2071756f');
  const keyOf = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, i) => i));
  const gallia = hex(`8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070
    61727465 73207472 6573`);

  it.each([
    [
      16,
      'f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833 899d7f27beb16a9152cf765ee4390cce',
    ],
    [
      32,
      '32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b 7aa3db36dfffd6b0f9bb7878d7a76c13',
    ],
  ])('RFC 7714 16: SRTP with a GCM key of %i bytes', (bytes, cipherAndTag) => {
    const cipher = new GcmCipher({ key: keyOf(bytes), salt, auth: Buffer.alloc(0) }, 'rtp');
    const part = { from: 12, end: gallia.length, ssrc: 0x5501a0b2, index: 0xf17b, word: 0 };
    const packet = Buffer.from(gallia);
    const tag = cipher.seal(packet, part);
    expect(Buffer.concat([packet.subarray(12), tag])).toEqual(hex(cipherAndTag));
    expect(cipher.open(packet, part, tag)).toBe(true);
    expect(packet).toEqual(gallia);
  });

  it('RFC 7714 17: SRTCP, encrypted and tagged only', () => {
    const plain =
      hex(`81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef
      deadbeef deadbeef`);
    const cipher = new GcmCipher({ key: keyOf(16), salt, auth: Buffer.alloc(0) }, 'rtcp');
    const whole = { from: 8, end: plain.length, ssrc: 0x4d617273, index: 0x5d4, word: 0x8000_05d4 };
    const packet = Buffer.from(plain);
    expect(cipher.seal(packet, whole)).toEqual(hex('c84aa45896cf4d2fc5abf87245d9eade'));
    expect(packet.subarray(8)).toEqual(
      hex('63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b'),
    );
    const long = new GcmCipher({ key: keyOf(32), salt, auth: Buffer.alloc(0) }, 'rtcp');
    const received = hex(`81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
      8415f658 c61de047 6f1b6fad`);
    expect(long.open(received, whole, hex('1d1eb30c 4446839f 57ff6f6c b26ac3be'))).toBe(true);
    expect(received).toEqual(plain);
    // With the packet that the example works on: its heading shows another word.
    const other = Buffer.from(plain);
    const tagged = { ...whole, from: other.length, word: 0x5d4 };
    expect(cipher.open(other, tagged, hex('841dd968 3dd78ec9 2ae58790 125f62b3'))).toBe(true);
  });
});

describe.each(suites)('%s', (suite) => {
  const pair = (mki?: Uint8Array): { sender: SrtpSender; receiver: SrtpReceiver } => {
    const keys = newKeys(suite, mki);
    return { sender: new SrtpSender(keys), receiver: new SrtpReceiver(keys) };
  };

  it('carries packets of every shape, and hides their payload', () => {
    const { sender, receiver } = pair();
    const extended = Buffer.concat([
      hex('92000001000000000000000700000001 00000002 bede0001 10ff0000'),
      randomBytes(33),
    ]);
    for (const packet of [
      rtp(0),
      extended,
      rtp(2, { payload: Buffer.alloc(0) }),
      rtp(3, { payload: randomBytes(1400) }),
    ]) {
      const out = sealed(sender, packet);
      if (packet.length > 40) expect(out.includes(packet.subarray(packet.length - 30))).toBe(false);
      expect(receiver.openRtp(out)).toEqual(packet);
    }
    const report = sender.sealRtcp(rtcp()) ?? Buffer.alloc(0);
    expect(report.includes('abababab', 0, 'hex')).toBe(false);
    expect(receiver.openRtcp(report)).toEqual(rtcp());
  });

  it('takes nothing twice, nothing too old and nothing that was touched, and stays usable', () => {
    const { sender, receiver } = pair();
    const packets = Array.from({ length: 300 }, (_, i) => sealed(sender, rtp(i)));
    const copy = (i: number): Buffer => Buffer.from(packets[i] ?? Buffer.alloc(0));
    expect(receiver.openRtp(copy(299))).toEqual(rtp(299));
    expect(receiver.openRtp(copy(299))).toBeUndefined();
    expect(receiver.openRtp(copy(280))).toEqual(rtp(280));
    expect(receiver.openRtp(copy(280))).toBeUndefined();
    expect(receiver.openRtp(copy(100))).toBeUndefined();
    for (let at = 0; at < copy(298).length; at++) {
      const forged = copy(298);
      forged[at] = (forged[at] ?? 0) ^ 1;
      const before = Buffer.from(forged);
      expect(receiver.openRtp(forged)).toBeUndefined();
      expect(forged).toEqual(before);
    }
    expect(receiver.openRtp(copy(298))).toEqual(rtp(298));
    const report = sender.sealRtcp(rtcp()) ?? Buffer.alloc(0);
    for (let at = 0; at < report.length; at++) {
      const forged = Buffer.from(report);
      forged[at] = (forged[at] ?? 0) ^ 0x80;
      expect(receiver.openRtcp(forged)).toBeUndefined();
    }
    expect(receiver.openRtcp(Buffer.from(report))).toEqual(rtcp());
    expect(receiver.openRtcp(Buffer.from(report))).toBeUndefined();
    for (let length = 0; length < 60; length++) {
      expect(receiver.openRtp(copy(297).subarray(0, length))).toBeUndefined();
      expect(receiver.openRtcp(Buffer.from(report).subarray(0, length))).toBeUndefined();
    }
  });

  it('rolls over, also where the packets around the turn are lost or late', () => {
    const { sender, receiver } = pair();
    const late: Buffer[] = [];
    for (let index = 65_400; index < 65_536 * 2 + 100; index += Math.abs((index % 65_536) - 32_768) < 32_500 ? 97 : 1) {
      const out = sealed(sender, rtp(index));
      if (index % 65_536 < 3) late.push(out);
      else if (index % 7 !== 0) expect(receiver.openRtp(out)).toBeDefined();
      if (index % 65_536 === 20 && late.length > 0)
        for (const packet of late.splice(0)) expect(receiver.openRtp(packet)).toBeDefined();
    }
  });

  it('never protects two packets under one index', () => {
    const { sender } = pair();
    expect(sender.sealRtp(rtp(10))).toBeDefined();
    expect(sender.sealRtp(rtp(10, { payload: randomBytes(160) }))).toBeUndefined();
    expect(sender.sealRtp(rtp(9))).toBeDefined();
    expect(sender.sealRtp(rtp(10, { ssrc: 8 }))).toBeDefined();
  });

  it('takes the name of the key out of packets that carry one, and insists on it', () => {
    const keys = newKeys(suite, Buffer.from([0, 0, 4, 42]));
    const plain = new SrtpSender(keys);
    const receiver = new SrtpReceiver(keys);
    const { rtpTagBytes, rtcpTagBytes, kind } = SRTP_SUITES[suite];
    const named = (packet: Buffer, tagBytes: number, mki: string): Buffer => {
      const at = packet.length - (kind === 'gcm' ? 0 : tagBytes);
      return Buffer.concat([packet.subarray(0, at), hex(mki), packet.subarray(at)]);
    };
    expect(receiver.openRtp(named(sealed(plain, rtp(1)), rtpTagBytes, '0000042a'))).toEqual(rtp(1));
    expect(receiver.openRtp(named(sealed(plain, rtp(2)), rtpTagBytes, '0000042b'))).toBeUndefined();
    const report = plain.sealRtcp(rtcp()) ?? Buffer.alloc(0);
    expect(receiver.openRtcp(named(report, rtcpTagBytes, '0000042a'))).toEqual(rtcp());
  });

  it('accepts packets under the former key for a short time, and a key that stays goes on counting', () => {
    const [first, second, ours] = [newKeys(suite), newKeys(suite), newKeys(suite)];
    const srtp = new Srtp({ send: ours, receive: first });
    const [before, after, peer] = [new SrtpSender(first), new SrtpSender(second), new SrtpReceiver(ours)];
    expect(srtp.openRtp(sealed(before, rtp(1)), 0)).toEqual(rtp(1));
    expect(peer.openRtp(srtp.sealRtp(rtp(65_535)) ?? Buffer.alloc(0))).toBeDefined();
    expect(srtp.openRtp(sealed(after, rtp(3)), 10)).toBeUndefined();
    srtp.rekey({ send: ours, receive: second }, 100);
    expect(srtp.openRtp(sealed(after, rtp(4)), 110)).toEqual(rtp(4));
    const delayed = sealed(before, rtp(2));
    expect(srtp.openRtp(Buffer.from(delayed), 120)).toEqual(rtp(2));
    expect(srtp.openRtp(delayed, 130)).toBeUndefined();
    expect(srtp.openRtp(sealed(before, rtp(6)), 3000)).toBeUndefined();
    expect(peer.openRtp(srtp.sealRtp(rtp(65_536)) ?? Buffer.alloc(0))).toEqual(rtp(65_536));
  });
});

it('remembers a bounded number of SSRCs', () => {
  const keys = newKeys('AES_CM_128_HMAC_SHA1_80');
  const [sender, receiver] = [new SrtpSender(keys), new SrtpReceiver(keys)];
  for (let ssrc = 0; ssrc < 1000; ssrc++) expect(receiver.openRtp(sealed(sender, rtp(5, { ssrc })))).toBeDefined();
});

it('derives keys of their own for RTCP', () => {
  const keys = newKeys('AEAD_AES_128_GCM');
  expect(deriveSessionKeys(keys, 'rtp').key).not.toEqual(deriveSessionKeys(keys, 'rtcp').key);
});
