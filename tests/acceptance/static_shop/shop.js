// The shop's own script: it knows nothing of anybody who personalizes.
document.addEventListener('click', (event) => {
  if (event.target.matches('.add')) document.querySelector('.count').textContent = 'Cart (1)';
});
