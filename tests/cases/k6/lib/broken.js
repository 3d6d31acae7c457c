export function broken() {
  return undefined.length;
}
