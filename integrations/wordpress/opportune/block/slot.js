// The block "Opportune: place" in the editor: the place's name, and the normal content inside.
(function (blocks, element, editor, components) {
  const make = element.createElement;
  blocks.registerBlockType('opportune/slot', {
    edit: function (props) {
      const given = editor.useBlockProps({ className: 'opportune-slot' });
      return make('div', given,
        make(editor.InspectorControls, {}, make(components.PanelBody, { title: 'Place' },
          make(components.TextControl, {
            label: 'Name of the place in your playbook',
            value: props.attributes.slot,
            onChange: function (slot) { props.setAttributes({ slot: slot }); },
          }))),
        make(editor.InnerBlocks, {}));
    },
    save: function () { return make(editor.InnerBlocks.Content, {}); },
  });
})(window.wp.blocks, window.wp.element, window.wp.blockEditor, window.wp.components);
