<?php
// Makes the site: an administrator, the plugins, a page that is a product, and one with two places.
define( 'WP_INSTALLING', true );
require __DIR__ . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'Shop', 'admin', 'admin@shop.test', false, '', 'password' );
update_option( 'permalink_structure', '/%postname%/' );
update_option( 'template', 'plain' );
update_option( 'stylesheet', 'plain' );
update_option( 'active_plugins', array( 'opportune/opportune.php', 'small-shop/small-shop.php' ) );
update_option( 'opportune', json_decode( getenv( 'OPPORTUNE_OPTION' ), true ) );
update_option( 'users_can_register', '1' );
$page = static function ( $name, $content ) {
	wp_insert_post( array( 'post_type' => 'page', 'post_status' => 'publish', 'post_name' => $name, 'post_title' => $name, 'post_content' => $content ) );
};
$page( 'trail-shoe', '<h1>Trail shoe</h1>' );
$page( 'welcome', '<div id="short">[opportune slot="home-hero"]<h2>Our normal headline</h2>[/opportune]</div>'
	. '<div id="block"><!-- wp:opportune/slot {"slot":"home-hero"} --><h2>Normal in the block</h2><!-- /wp:opportune/slot --></div>' );
echo 'made';
