export async function parked(main){main.append('…')}
