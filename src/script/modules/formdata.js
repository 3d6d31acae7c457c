// A multipart form under the name of jslib's FormData, written anew.
import native from 'bellwether:native';

native.use('crypto');

export class FormData {
  constructor() {
    this.boundary = `------------------------${native.hex(native.random(12))}`;
    this.parts = [];
  }
  append(name, data) {
    this.parts.push([String(name), data]);
  }
  body() {
    const pieces = [];
    const text = (piece) => pieces.push(new Uint8Array(native.encode(piece)));
    for (const [name, data] of this.parts) {
      const isFile = data !== null && typeof data === 'object' && 'data' in data;
      const filename = isFile && data.filename ? `; filename="${data.filename}"` : '';
      const type = isFile && data.content_type ? `\r\nContent-Type: ${data.content_type}` : '';
      text(`--${this.boundary}\r\nContent-Disposition: form-data; name="${name}"${filename}${type}\r\n\r\n`);
      const content = isFile ? data.data : data;
      if (content instanceof ArrayBuffer) pieces.push(new Uint8Array(content));
      else if (ArrayBuffer.isView(content)) pieces.push(new Uint8Array(content.buffer, content.byteOffset, content.byteLength));
      else text(String(content));
      text('\r\n');
    }
    text(`--${this.boundary}--\r\n`);
    const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all.buffer;
  }
}
