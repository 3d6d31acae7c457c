export default function () {
  console.log(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));
  const bytes = crypto.getRandomValues(new Uint8Array(64));
  console.log(bytes.some((byte) => byte !== 0), new TextDecoder().decode(new TextEncoder().encode('é€😀')));
}
