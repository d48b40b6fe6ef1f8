/**
 * For methods whose input is `google.protobuf.StringValue`: gives each message of JSON as a string
 * of its own bytes, a character each, so that whoever handles it reads it in a way of its own.
 */
export class MessageText extends TextDecoder {
  override decode(bytes?: Uint8Array): string {
    if (!bytes) return '""';
    return JSON.stringify(toBuffer(bytes).toString('latin1'));
  }
}

/** The bytes of such a message. */
export const messageBytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const toBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
