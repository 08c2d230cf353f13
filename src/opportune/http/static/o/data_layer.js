// What a tag manager's data layer says; nothing is read from it yet.
const readDataLayer = () => {};
