/** Where a plain RTP section wants its packets: c= (RFC 8866 §5.7), m= port, a=rtcp (RFC 3605). */
import { sdpErrors } from './errors.ts';
import { attribute, type SdpSection } from './lines.ts';
import type { RtpAddress } from './model.ts';

/** The address of the section. Only IP literals: a host name here would make us ask the DNS for a stranger. */
export function parseRtpAddress(section: SdpSection, sessionConnection: string | undefined): RtpAddress {
  const connection = section.connection ?? sessionConnection;
  if (connection === undefined) throw sdpErrors.SDP_MALFORMED(['there is no c= line']);
  const [network, family, addressText = ''] = connection.split(/ +/u);
  if (network !== 'IN' || (family !== 'IP4' && family !== 'IP6')) {
    throw sdpErrors.SDP_MALFORMED(['the c= line is not valid']);
  }
  const address = addressText.split('/')[0] ?? '';
  const isValid = family === 'IP4' ? isUnicast4(address) : isUnicast6(address);
  if (!isValid) throw sdpErrors.SDP_ADDRESS([address.slice(0, 64)]);
  return { address, rtpPort: section.port, rtcpPort: parseRtcpPort(section) };
}

/** Whether the address means "send me nothing", the hold of RFC 2543 (RFC 3264 §8.4). */
export function isNullAddress(address: string): boolean {
  return address === '0.0.0.0' || /^[0:]+$/u.test(address);
}

function parseRtcpPort(section: SdpSection): number {
  const text = /^\d{1,5}/u.exec(attribute(section.attributes, 'rtcp') ?? '')?.[0];
  const announced = Number(text ?? 0);
  return announced >= 1 && announced <= 65_535 ? announced : Math.min(section.port + 1, 65_535);
}

function isUnicast4(text: string): boolean {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/u.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return false;
  return (parts[0] ?? 0) < 224;
}

function isUnicast6(text: string): boolean {
  return /^[\da-f:.]{2,45}$/iu.test(text) && URL.canParse(`http://[${text}]/`) && !/^ff/iu.test(text);
}
