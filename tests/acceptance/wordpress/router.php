<?php
// For PHP's own web server: files as they are, everything else is WordPress'.
$path = __DIR__ . parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
$path .= is_dir( $path ) && is_file( rtrim( $path, '/' ) . '/index.php' ) ? 'index.php' : '';
if ( is_file( $path ) && 'php' !== pathinfo( $path, PATHINFO_EXTENSION ) ) {
	return false;
}
chdir( __DIR__ );
$script = is_file( $path ) ? $path : __DIR__ . '/index.php';
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = substr( $script, strlen( __DIR__ ) );
require $script;
