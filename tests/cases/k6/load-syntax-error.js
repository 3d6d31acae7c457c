export default function () {
  const a = ;
}
