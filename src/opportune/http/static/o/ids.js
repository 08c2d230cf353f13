// The visitor's id, in a cookie; none is read or made while measuring is not agreed to.
let device = '';
const mayMeasure = () => consent.purposes()?.includes('measure') ?? true;
const setCookie = (value, seconds) => {
  document.cookie = `${data.cookie || 'o_id'}=${value}; Path=/; Max-Age=${seconds}; SameSite=Lax${location.protocol === 'https:' ? '; Secure' : ''}`;
};
const readDevice = () => {
  const name = data.cookie || 'o_id';
  const found = document.cookie.split('; ').find((each) => each.startsWith(name + '='));
  const kept = found && quietly(decodeURIComponent)(found.slice(name.length + 1));
  if (kept) return kept;
  // By its beginning an id tells that a script made it: such a cookie may not live long.
  const made = device || 's-' + newId();
  setCookie(made, 34128000);
  return made;
};
