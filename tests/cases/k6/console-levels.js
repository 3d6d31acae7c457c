// flags: --verbose
export default function () {
  console.debug('debug'); console.info('info'); console.warn('warn'); console.error('error');
  console.log('text', 1, true, null, undefined, { a: [1, 'x'] }, [1, 2], () => 1, 10n);
  const circle = {}; circle.self = circle; console.log(circle);
  console.assert(1 === 2, 'that');
}
