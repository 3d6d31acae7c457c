// flags: -e NAME=value -e UNREAD=1
export default function () {
  console.log(__ENV.NAME, __ENV.MISSING, 'NAME' in __ENV, Object.keys(__ENV).includes('NAME'), { ...__ENV }.NAME);
  __ENV.OWN = 'set'; console.log(__ENV.OWN);
}
