import native from 'bellwether:native';

native.use('crypto');

const bytes = (input) => (typeof input === 'string' || input === undefined || input === null
  ? native.encode(String(input ?? ''))
  : input.buffer ? input.buffer.slice(input.byteOffset, input.byteOffset + input.byteLength) : input);

export function b64encode(input, encoding = 'std') {
  return native.b64encode(bytes(input), encoding);
}
export function b64decode(input, encoding = 'std', format) {
  const decoded = native.b64decode(String(input), encoding);
  return format === 's' ? native.decode(decoded) : decoded;
}
export default { b64encode, b64decode };
