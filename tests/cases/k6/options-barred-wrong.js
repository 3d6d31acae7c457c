export const options = { blockHostnames: ['a*b', ''], blacklistIPs: ['10.0.0.0/33', 'x'], dns: { ttl: 'soon', select: 'last', policy: 'only', nothing: 1 }, systemTags: ['url', 'vu', 'stauts'], handleSummaryTimeout: 'x' };
export default function () {}
